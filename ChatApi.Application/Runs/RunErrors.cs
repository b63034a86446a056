using ChatApi.Application.Errors;

namespace ChatApi.Application.Runs;

/// <summary>
/// What users are told of a run that failed. By code, because a viewer who comes long after the end reads the code in the
/// database and must be told the same.
/// </summary>
internal static class RunErrors
{
    public static (string Sentence, bool Retryable) Explain(string? code) => code switch
    {
        ErrorCodes.UpstreamMisconfigured => ("The assistant is not set up correctly; please tell whoever runs this service.", false),
        ErrorCodes.UpstreamThrottled => ("The assistant has too much to do just now; please try again in a moment.", true),
        ErrorCodes.UpstreamTimeout => ("The assistant took too long to answer; please try again.", true),
        ErrorCodes.UpstreamTruncated => ("The connection to the assistant broke off before the reply was complete.", true),
        ErrorCodes.ContextTooLong => ("The conversation is too long for the model.", false),
        ErrorCodes.ContentFiltered => ("The assistant's provider refused to answer this message.", false),
        ErrorCodes.Interrupted => ("The reply was interrupted; the text so far is kept.", true),
        ErrorCodes.NotFound => ("The conversation was deleted.", false),
        ErrorCodes.DatabaseUnavailable => ("The reply could not be stored; please try again.", true),
        _ => ("The assistant could not answer; please try again.", true),
    };
}
