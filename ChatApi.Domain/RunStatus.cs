namespace ChatApi.Domain;

/// <summary>How far a run, and the reply it makes, has come. All but <c>running</c> are final.</summary>
public enum RunStatus
{
    /// <summary>The reply is being made.</summary>
    Running,

    /// <summary>The model said that it had finished.</summary>
    Completed,

    /// <summary>Somebody asked for it to stop; the text so far is kept.</summary>
    Stopped,

    /// <summary>The model refused, broke or was too slow; the text so far is kept.</summary>
    Failed,

    /// <summary>The process or the connection to the model was cut off; the text so far is kept.</summary>
    Interrupted,
}
