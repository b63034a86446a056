using System.Text;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using ChatApi.Tests.Support;
using Microsoft.EntityFrameworkCore;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Persistence;

/// <summary>A turn that is stored by the statement that reads its conversation, where a database can.</summary>
[TestFixture(DatabaseKind.Sqlite)]
[TestFixture(DatabaseKind.Postgres)]
public sealed class ReadAndStartTests(DatabaseKind database) : TurnStoreFixture(database)
{
    private static readonly FormattableString Waiting =
        $"SELECT count(*)::int AS \"Value\" FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

    private readonly bool _canStart = database == DatabaseKind.Postgres;

    [Test]
    public async Task What_is_read_and_started_at_once_is_what_is_read_and_then_started()
    {
        var (first, session) = await ConversationAsync();
        var turn = KeylessTurn(session);
        var read = await ReadAsync(session.UserId, session.Id, 4);

        var conversation = await ReadAndStartAsync(turn);

        Assert.That(conversation!.IsStarted, Is.EqualTo(_canStart));
        Assert.That(conversation with { IsStarted = false, History = read!.History }, Is.EqualTo(read));
        Assert.That(conversation.History, Is.EqualTo(read.History).And.Count.EqualTo(2));
        if (!conversation.IsStarted)
        {
            Assert.That(await RunsAsync(), Has.Count.EqualTo(1));
            return;
        }

        turn.Place(conversation, [first.Question.Id, first.Reply.Id]);
        Assert.That((turn.Question.ParentId, turn.Question.Position, turn.Reply.Position), Is.EqualTo(((Guid?)first.Reply.Id, 3, 4)));
        await AssertStoredAsync(turn.Question);
        await AssertStoredAsync(turn.Reply);
        await AssertStoredAsync(turn.Run, nameof(Run.LeaseExpiresAt));
        var stored = await SingleAsync<ChatSession>(session.Id);
        Assert.That((stored.LastPosition, stored.UpdatedAt, stored.LastMessageAt), Is.EqualTo((4, Now, Now)));
        Assert.That(async () => await ReadAndStartAsync(KeylessTurn(session)), Throws.InstanceOf<UniqueViolationException>());
    }

    [Test]
    public async Task Nothing_is_started_at_once_where_something_has_to_be_decided()
    {
        var (first, session) = await ConversationAsync();
        var bytes = Encoding.UTF8.GetByteCount(first.Question.Content) + Encoding.UTF8.GetByteCount(first.Reply.Content) + 2 * Utterance.Overhead;
        var turn = KeylessTurn(session);

        Assert.That((await ReadAndStartAsync(turn, room: bytes - 1))!.IsStarted, Is.False, "It may not fit.");
        Assert.That(await ReadAndStartAsync(NewTurn(session.Id, Guid.CreateVersion7(), 0)), Is.Null, "Another user's.");
        await SetAsync(session.Id, row => row.Settings = new(SystemPrompt: "Sé breve."));
        Assert.That((await ReadAndStartAsync(turn))!.IsStarted, Is.False, "It has settings.");
        await SetAsync(session.Id, row => (row.Settings, row.DeletedAt) = (null, Now));
        Assert.That(await ReadAndStartAsync(turn), Is.Null, "It is in the trash.");
        Assert.That(await RunsAsync(), Has.Count.EqualTo(1));
        Assert.That((await SingleAsync<ChatSession>(session.Id, inTrash: true)).LastPosition, Is.EqualTo(2));

        await SetAsync(session.Id, row => row.DeletedAt = null);
        Assert.That((await ReadAndStartAsync(turn, room: bytes))!.IsStarted, Is.EqualTo(_canStart), "It fits.");
    }

    [Test]
    public async Task OfTurns_that_are_read_and_started_together_one_is_stored()
    {
        var (_, session) = await ConversationAsync();

        var started = await Task.WhenAll(Enumerable.Range(0, 12).Select(async _ =>
        {
            try
            {
                return (await ReadAndStartAsync(KeylessTurn(session)))!.IsStarted;
            }
            catch (UniqueViolationException)
            {
                return false;
            }
        }));

        var expected = _canStart ? 1 : 0;
        Assert.That(started.Count(isStarted => isStarted), Is.EqualTo(expected));
        Assert.That(await RunsAsync(), Has.Count.EqualTo(1 + expected));
        Assert.That((await SingleAsync<ChatSession>(session.Id)).LastPosition, Is.EqualTo(2 + 2 * expected));
    }

    [Test]
    public async Task Nothing_is_started_at_once_where_the_conversation_moved_on_meanwhile()
    {
        var (_, session) = await ConversationAsync();
        await using var db = (DbContext)NewContext();
        await using var watcher = (DbContext)NewContext();
        Task<Conversation?>? starting = null;
        await db.Database.CreateExecutionStrategy().ExecuteAsync(async () =>
        {
            await using var other = await db.Database.BeginTransactionAsync();
            await db.Set<ChatSession>().ExecuteUpdateAsync(set => set.SetProperty(row => row.LastPosition, 4));
            starting = ReadAndStartAsync(KeylessTurn(session));
            if (_canStart)
                await Poll.UntilAsync(async () => await watcher.Database.SqlQuery<int>(Waiting).SingleAsync() == 1, "a turn that waits");
            await other.CommitAsync();
        });

        Assert.That((await starting!)!.IsStarted, Is.False);
        Assert.That(await RunsAsync(), Has.Count.EqualTo(1));
        Assert.That((await SingleAsync<ChatSession>(session.Id)).LastPosition, Is.EqualTo(4));
    }

    [Test]
    public async Task The_model_is_shown_the_latest_messages_with_text_of_the_branch_and_the_run_says_which()
    {
        var (_, session) = await ConversationAsync();
        var (shown, empty, left) = (NewMessages(session, 3, 5), NewMessages(session, 8, 1).Single(), NewMessages(session, 9, 1).Single());
        (empty.Content, left.IsOnBranch) = ("", false);
        await using (var db = NewContext())
        {
            db.Messages.AddRange([.. shown, empty, left]);
            await db.SaveChangesAsync(CancellationToken.None);
        }

        await SetAsync(session.Id, row => row.LastPosition = 9);
        var turn = KeylessTurn(session);

        var conversation = await ReadAndStartAsync(turn);

        Assert.That((conversation!.LastPosition, conversation.LastId), Is.EqualTo((9, empty.Id)));
        Assert.That(conversation.History, Is.EqualTo(shown.TakeLast(4).Select(message => new Utterance(message.Id, message.Role, message.Content))));
        if (!_canStart)
            return;
        turn.Place(conversation, [.. shown.TakeLast(4).Select(message => message.Id)]);
        await AssertStoredAsync(turn.Run, nameof(Run.LeaseExpiresAt));
        await AssertStoredAsync(turn.Question);
        await AssertStoredAsync(turn.Reply);
    }

    private Task<Conversation?> ReadAndStartAsync(NewTurn turn, int room = 1000) => Turns.ReadAndStartAsync(turn, 4, room);

    /// <summary>Of which nobody knows where it is.</summary>
    private static NewTurn KeylessTurn(ChatSession session)
    {
        var turn = NewTurn(session.Id, session.UserId, 0);
        (turn.Question.ParentId, turn.Question.ClientId) = (null, $"m-{turn.Question.Id}");
        return turn with { Run = NewRun(turn.Question, turn.Reply, session.UserId, null) };
    }

    /// <summary>One turn that has ended, in a conversation without settings.</summary>
    private async Task<(NewTurn Turn, ChatSession Session)> ConversationAsync()
    {
        var turn = await StartAsync(begins: true);
        End(turn, RunStatus.Completed, null, "stop");
        await Turns.EndAsync(turn.Run, turn.Reply, isKept: true);
        await SetAsync(turn.Run.SessionId, session => session.Settings = null);
        return (turn, await SingleAsync<ChatSession>(turn.Run.SessionId));
    }

    private async Task SetAsync(Guid sessionId, Action<ChatSession> set)
    {
        await using var db = NewContext();
        set(await db.Sessions.IgnoreQueryFilters().AsTracking().SingleAsync(session => session.Id == sessionId));
        await db.SaveChangesAsync(CancellationToken.None);
    }

    private static ChatMessage[] NewMessages(ChatSession session, int from, int count) =>
    [
        .. Enumerable.Range(from, count).Select(position => NewMessage(
            session.Id, session.UserId, position, position % 2 == 1 ? MessageRole.User : MessageRole.Assistant, $"n.º {position} 👋🏽")),
    ];
}
