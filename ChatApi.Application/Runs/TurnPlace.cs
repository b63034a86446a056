using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Messages;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.Runs;

/// <summary>Where in a conversation a turn goes on.</summary>
/// <param name="Question">The question that is asked or answered anew; null at the end of the branch.</param>
/// <param name="Before">The first position of which the model is shown nothing.</param>
internal sealed record TurnPlace(ChatMessage? Question, int Before)
{
    public static TurnPlace End { get; } = new(null, int.MaxValue);

    /// <summary>The highest position when the place was looked for; null where it does not matter. Where it is another one by now, the place may be, too.</summary>
    public int? LastPosition { get; private init; }

    /// <summary>The end of the branch that is left.</summary>
    public Guid? ShownBefore { get; private init; }

    /// <summary>Where something is asked or answered anew. Its branch is shown, if another one is: what the model is told is on it.</summary>
    /// <returns>Null if its branch is shown from now on: it is to be looked for again.</returns>
    /// <exception cref="NotFoundException">There is no such message, or conversation, of this user's.</exception>
    /// <exception cref="ConflictException"><c>no_question</c>; <c>run_in_progress</c>; <c>too_many_siblings</c>.</exception>
    public static async Task<TurnPlace?> FindAsync(
        IChatDbContextFactory contexts, Branches branches, Turn turn, Anew anew, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var messages = db.Messages.Where(message => message.SessionId == turn.SessionId);
        var branch = messages.Where(message => message.IsOnBranch).OrderByDescending(message => message.Position);
        var targets = anew.MessageId is { } id ? messages.Where(message => message.Id == id) : branch.Take(1);
        var found = await (
            from session in db.Sessions
            where session.Id == turn.SessionId && session.UserId == turn.UserId
            from message in targets.DefaultIfEmpty()
            select new { session.LastPosition, Shown = branch.Select(last => (Guid?)last.Id).FirstOrDefault(), Target = message })
            .SingleOrDefaultAsync(cancellationToken);
        if (found is null || found.Target is null && anew.MessageId is not null)
            throw new NotFoundException();
        var question = found.Target is { Role: MessageRole.Assistant } reply && turn.Content is null
            ? await messages.SingleOrDefaultAsync(message => message.Id == reply.ParentId, cancellationToken)
            : found.Target;
        if (question is not { Role: MessageRole.User })
            throw new ConflictException(ErrorCodes.NoQuestion, "There is no question here that could be asked again.");
        await Branches.RefuseCrowdAsync(db, question.SessionId, turn.Content is null ? question.Id : question.ParentId, cancellationToken);
        if (question.IsOnBranch)
            return new(question, question.Position) { LastPosition = found.LastPosition, ShownBefore = found.Shown };
        await branches.ShowAsync(turn.UserId, question.SessionId, question.Id, cancellationToken);
        return null;
    }
}
