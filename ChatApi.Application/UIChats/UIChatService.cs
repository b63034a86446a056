using System.Security.Cryptography;
using System.Text;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Limits;
using ChatApi.Application.Messages;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.UIChats;

/// <summary>
/// Conversations as the Vercel AI SDK has them: the client names them and its questions, and sends its own history along. What it
/// asks now is taken from there, and where in the tree it asks; the rest is what is stored.
/// </summary>
public sealed class UIChatService(
    IChatDbContextFactory contexts, RunStarter starter, RunService runs, RunWatcher watcher, Branches branches, SettingsRules rules)
{
    /// <summary>So many messages are shown at first.</summary>
    private const int MostMessages = 200;

    private static readonly UIChatRequestValidator RequestValidator = new();
    private static readonly UIQuestionValidator QuestionValidator = new();
    private static readonly SendMessageRequestValidator ContentValidator = new();

    /// <summary>Starts making a reply, or leads to the run that the same question has started before.</summary>
    /// <inheritdoc cref="RunService.StartAsync" path="/exception"/>
    public async Task<RunView> StartAsync(Caller caller, UIChatRequest request, string? key, CancellationToken cancellationToken)
    {
        RequestValidator.Check(request);
        var (message, content) = Question(request);
        if (message.Metadata is { } metadata)
            request = request with { Metadata = metadata };
        rules.Check(request);
        await using var db = contexts.Create();
        var sessionId = await ClientNames.FindSessionAsync(db, caller.UserId, request.Id!, cancellationToken);
        if (sessionId is null)
            await ClientNames.TakeFromTrashAsync(db, caller.UserId, request.Id!, cancellationToken);
        var turn = request.IsRegenerate && sessionId is { } id ? await RegenerateAsync(db, caller, id, request, key, cancellationToken) : null;
        turn ??= await AskAsync(
            db,
            new("ui", caller, sessionId, content, key)
            {
                ChatId = request.Id,
                ClientId = message.Id,
                Settings = request.ToSettings(),
                Metadata = request.MetadataText(),
            },
            request,
            cancellationToken);
        var started = await starter.StartAsync(turn, cancellationToken);
        return watcher.View(started);
    }

    /// <summary>The conversation's run from its beginning.</summary>
    /// <returns>Null if nothing runs, or there is no such conversation of this user's.</returns>
    public async Task<RunView?> OpenAsync(Guid userId, string chatId, CancellationToken cancellationToken) =>
        await FindAsync(userId, chatId, cancellationToken) is { } sessionId
            ? await watcher.OpenAsync(userId, sessionId, null, cancellationToken)
            : null;

    /// <summary>Stops the conversation's latest run, and waits until it has ended.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    public async Task<RunResponse> StopAsync(Guid userId, string chatId, CancellationToken cancellationToken) =>
        await FindAsync(userId, chatId, cancellationToken) is { } sessionId
            ? await runs.StopAsync(userId, sessionId, null, cancellationToken)
            : throw new NotFoundException();

    /// <summary>The latest messages of the branch that the conversation shows, oldest first; a reply in the making is not among them.</summary>
    /// <returns>Nothing where there is no such conversation of this user's: it may be about to begin.</returns>
    public async Task<IReadOnlyList<UIMessageResponse>> ListAsync(Guid userId, string chatId, CancellationToken cancellationToken)
    {
        if (await FindAsync(userId, chatId, cancellationToken) is not { } sessionId)
            return [];
        await using var db = contexts.Create();
        var messages = await db.Messages
            .Where(message => message.SessionId == sessionId && message.IsOnBranch && message.Status != RunStatus.Running)
            .OrderByDescending(message => message.Position)
            .Take(MostMessages)
            .ToListAsync(cancellationToken);
        return [.. messages.AsEnumerable().Reverse().Select(UIMessageResponse.From)];
    }

    private async Task<Guid?> FindAsync(Guid userId, string chatId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        return await ClientNames.FindSessionAsync(db, userId, chatId, cancellationToken);
    }

    /// <returns>Null where what is to be answered is not known: a question that was refused before it was stored is asked for the first time.</returns>
    private static async Task<Turn?> RegenerateAsync(
        IChatDbContext db, Caller caller, Guid sessionId, UIChatRequest request, string? key, CancellationToken cancellationToken)
    {
        var target = await ClientNames.FindMessageAsync(db, sessionId, request.MessageId, cancellationToken)
            ?? await ClientNames.FindMessageAsync(db, sessionId, request.Messages![^1].Id, cancellationToken);
        return target is null ? null : AnswerAnew(caller, target, request, key);
    }

    private async Task<Turn> AskAsync(IChatDbContext db, Turn turn, UIChatRequest request, CancellationToken cancellationToken)
    {
        if (turn.SessionId is { } id)
        {
            var known = await ClientNames.FindMessageAsync(db, id, turn.ClientId, cancellationToken);
            if (known is not { Role: MessageRole.User })
            {
                var place = await FindPlaceAsync(db, turn.UserId, id, request, cancellationToken);

                // What stands there may be this very question, which a repetition has stored meanwhile.
                if (place is not null && known is null && await ClientNames.FindMessageAsync(db, id, turn.ClientId, cancellationToken) is not null)
                    return await AskAsync(db, turn, request, cancellationToken);
                turn = turn with { Anew = place };
            }
            else if (known.Content != turn.Content)
                turn = turn with { Anew = new(known.Id) };
            else if (await FindRunAsync(db, known, cancellationToken) is { } run)
                turn = turn with { RepeatedRunId = run };
            else
                return AnswerAnew(turn.Caller, known, request, turn.Key);
        }

        return turn.Key is null ? turn with { Key = KeyOf(turn) } : turn;
    }

    /// <summary>The message that asks, also where it asks for another reply.</summary>
    private static (UIMessage Message, string Content) Question(UIChatRequest request)
    {
        var message = request.Messages![^1];
        QuestionValidator.Check(message);
        var content = UIQuestionValidator.TextOf(message);
        ContentValidator.Check(new(content));
        return (message, content);
    }

    private static Turn AnswerAnew(Caller caller, ChatMessage target, UIChatRequest request, string? key) =>
        new("ui-regenerate", caller, target.SessionId, null, key) { Anew = new(target.Id), Settings = request.ToSettings() };

    private static Task<Guid?> FindRunAsync(IChatDbContext db, ChatMessage question, CancellationToken cancellationToken) => db.Runs
        .Where(run => run.SessionId == question.SessionId && run.UserMessageId == question.Id)
        .LatestFirst()
        .Select(run => (Guid?)run.Id)
        .FirstOrDefaultAsync(cancellationToken);

    /// <summary>
    /// After what the client shows above its question. Where other questions followed it, of another tab say, the question becomes a
    /// branch beside them; where it is on another branch, that one is shown.
    /// </summary>
    /// <returns>The question in whose place it is asked; null for the end of the branch.</returns>
    private async Task<Anew?> FindPlaceAsync(
        IChatDbContext db, Guid userId, Guid sessionId, UIChatRequest request, CancellationToken cancellationToken)
    {
        var name = request.Messages is [.., var before, _] ? before.Id : null;
        if (await ClientNames.FindMessageAsync(db, sessionId, name, cancellationToken) is not { } previous)
            return null;
        var messages = db.Messages.Where(message => message.SessionId == sessionId);
        if (previous.IsOnBranch && !await messages.AnyAsync(message => message.IsOnBranch && message.Position > previous.Position, cancellationToken))
            return null;

        // A reply that the client has not seen belongs to its question all the same.
        if (previous.Role == MessageRole.User)
            previous = await FindNextAsync(messages, previous, MessageRole.Assistant, cancellationToken) ?? previous;
        if (await FindNextAsync(messages, previous, MessageRole.User, cancellationToken) is { } next)
            return new(next.Id);
        if (!previous.IsOnBranch)
            await branches.ShowAsync(userId, sessionId, previous.Id, cancellationToken);
        return null;
    }

    /// <summary>What follows a message: what is shown, or else the newest.</summary>
    private static Task<ChatMessage?> FindNextAsync(
        IQueryable<ChatMessage> messages, ChatMessage message, MessageRole role, CancellationToken cancellationToken) => messages
        .Where(next => next.ParentId == message.Id && next.Position > message.Position && next.Role == role)
        .OrderByDescending(next => next.IsOnBranch).ThenByDescending(next => next.Position)
        .FirstOrDefaultAsync(cancellationToken);

    /// <summary>The names say which question it is; what it takes the place of tells an edit from an earlier one to the same words.</summary>
    private static string KeyOf(Turn turn) =>
        "ui:" + Convert.ToHexStringLower(SHA256.HashData([.. turn.Hash, .. Encoding.UTF8.GetBytes($"{turn.Anew?.MessageId}")]));
}
