using System.Collections.Concurrent;
using System.Text;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Configuration;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using ChatApi.Infrastructure.Persistence;
using ChatApi.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Persistence;

/// <summary>Statements written by hand store all that EF Core's model has: a column that one of them forgets is found here.</summary>
[TestFixture(DatabaseKind.Sqlite)]
[TestFixture(DatabaseKind.Postgres)]
public sealed class TurnStoreTests(DatabaseKind database)
{
    private static readonly DateTime Now = new DateTime(2026, 2, 3, 4, 5, 6, DateTimeKind.Utc).AddMicroseconds(120_450);

    private TemporaryDirectory _directory = null!;
    private static readonly FormattableString Waiting =
        $"SELECT count(*)::int AS \"Value\" FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

    private ServiceProvider _services = null!;
    private ITurnStore _turns = null!;

    [SetUp]
    public async Task SetUpAsync()
    {
        _directory = new();
        var url = $"Data Source={Path.Combine(_directory.Path, "chat.db")};Pooling=false";
        if (database == DatabaseKind.Postgres)
        {
            var postgres = await ChatApiEnvironment.PostgresAsync();
            url = postgres.Url(await postgres.CreateDatabaseAsync());
        }

        var settings = new ConfigurationBuilder().AddInMemoryCollection([new("DATABASE_URL", url)]).Build();
        _services = new ServiceCollection()
            .AddLogging()
            .AddSingleton(TimeProvider.System)
            .AddPersistence(DatabaseOptions.Read(new Settings(settings)))
            .BuildServiceProvider();
        await _services.GetRequiredService<IDatabaseMigrator>().MigrateAsync(CancellationToken.None);
        _turns = _services.GetRequiredService<ITurnStore>();
    }

    [TearDown]
    public async Task TearDownAsync()
    {
        await _services.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task All_that_belongs_to_a_start_is_stored([Values] bool begins)
    {
        var turn = await StartAsync(begins);

        await AssertStoredAsync(turn.Question);
        await AssertStoredAsync(turn.Reply);
        await AssertStoredAsync(turn.Run, nameof(Run.LeaseExpiresAt));
        var session = await SingleAsync<ChatSession>(turn.Run.SessionId);
        Assert.That((session.LastPosition, session.UpdatedAt, session.LastMessageAt), Is.EqualTo((turn.Reply.Position, Now, Now)));
        var run = await SingleAsync<Run>(turn.Run.Id);
        Assert.That(run.LeaseExpiresAt - DateTime.UtcNow, Is.EqualTo(TimeSpan.FromSeconds(RunLeases.LeaseSeconds)).Within(TimeSpan.FromSeconds(5)));
        if (turn.NewSession is not null)
            await AssertStoredAsync(turn.NewSession);
    }

    [Test]
    public async Task What_is_read_and_started_at_once_is_what_is_read_and_then_started()
    {
        var (first, session) = await ConversationAsync();
        var turn = KeylessTurn(session);
        var read = await ReadAsync(session.UserId, session.Id, 4);

        var conversation = await ReadAndStartAsync(turn);

        Assert.That(conversation!.IsStarted, Is.EqualTo(database == DatabaseKind.Postgres));
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
        Assert.That((await ReadAndStartAsync(turn, room: bytes))!.IsStarted, Is.EqualTo(database == DatabaseKind.Postgres), "It fits.");
    }

    [Test]
    public async Task Of_turns_that_are_read_and_started_together_one_is_stored()
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

        var expected = database == DatabaseKind.Postgres ? 1 : 0;
        Assert.That(started.Count(isStarted => isStarted), Is.EqualTo(expected));
        Assert.That(await RunsAsync(), Has.Count.EqualTo(1 + expected));
        Assert.That((await SingleAsync<ChatSession>(session.Id)).LastPosition, Is.EqualTo(2 + 2 * expected));
    }

    [Test]
    public async Task Nothing_is_started_at_once_where_the_conversation_moved_on_meanwhile()
    {
        var (_, session) = await ConversationAsync();
        await using var db = (DbContext)_services.GetRequiredService<IChatDbContextFactory>().Create();
        await using var watcher = (DbContext)_services.GetRequiredService<IChatDbContextFactory>().Create();
        Task<Conversation?>? starting = null;
        await db.Database.CreateExecutionStrategy().ExecuteAsync(async () =>
        {
            await using var other = await db.Database.BeginTransactionAsync();
            await db.Set<ChatSession>().ExecuteUpdateAsync(set => set.SetProperty(row => row.LastPosition, 4));
            starting = ReadAndStartAsync(KeylessTurn(session));
            if (database == DatabaseKind.Postgres)
                await Poll.UntilAsync(async () => await watcher.Database.SqlQuery<int>(Waiting).SingleAsync() == 1, "a turn that waits");
            await other.CommitAsync();
        });

        Assert.That((await starting!)!.IsStarted, Is.False);
        Assert.That(await RunsAsync(), Has.Count.EqualTo(1));
        Assert.That((await SingleAsync<ChatSession>(session.Id)).LastPosition, Is.EqualTo(4));
    }

    [TestCase(RunStatus.Completed, null, "stop")]
    [TestCase(RunStatus.Stopped, null, "stopped")]
    [TestCase(RunStatus.Failed, "upstream_error", null)]
    public async Task All_that_belongs_to_an_end_is_stored(RunStatus status, string? code, string? finish)
    {
        var turn = await StartAsync(begins: true);
        End(turn, status, code, finish);
        await _turns.EndAsync(turn.Run, turn.Reply, isKept: true);

        await AssertStoredAsync(turn.Run, nameof(Run.LeaseExpiresAt));
        await AssertStoredAsync(turn.Reply);
        await AssertStoredAsync(turn.Question);
        Assert.That(async () => await _turns.EndAsync(turn.Run, turn.Reply, isKept: true), Throws.InstanceOf<DbUpdateConcurrencyException>());
    }

    [Test]
    public async Task Nothing_of_a_turn_gets_into_another_at_once_or_after_it()
    {
        var turns = new ConcurrentBag<NewTurn>();
        await Parallel.ForEachAsync(Enumerable.Range(0, 60), new ParallelOptions { MaxDegreeOfParallelism = 6 }, async (number, _) =>
        {
            var session = NewSession(Guid.CreateVersion7(), Guid.CreateVersion7(), 2);
            var turn = NewTurn(session.Id, session.UserId, 0) with { NewSession = session };
            if (number % 2 == 0) // Nothing but what has to be.
            {
                (session.Metadata, session.Settings, session.IsPinned) = (null, null, false);
                (turn.Question.Metadata, turn.Question.ClientId, turn.Question.ParentId) = (null, null, null);
                turn = turn with { Run = NewRun(turn.Question, turn.Reply, session.UserId, null) };
            }

            turn.Question.Content = $"question {number}";
            await _turns.StartAsync(turn);
            await Assert.ThatAsync(async () => await _turns.StartAsync(turn), Throws.InstanceOf<UniqueViolationException>());
            End(turn, number % 3 == 0 ? RunStatus.Failed : RunStatus.Completed, number % 3 == 0 ? "upstream_error" : null, number % 3 == 0 ? null : "stop");
            (turn.Reply.Content, turn.Reply.Usage) = ($"reply {number}", new(number, number + 1, number % 2 == 0));
            await _turns.EndAsync(turn.Run, turn.Reply, isKept: true);
            var conversation = await ReadAsync(session.UserId, session.Id, 4);
            Assert.That(conversation!.History.Select(said => said.Content), Is.EqualTo([$"question {number}", $"reply {number}"]));
            turns.Add(turn);
        });

        foreach (var turn in turns)
        {
            await AssertStoredAsync(turn.NewSession!);
            await AssertStoredAsync(turn.Question);
            await AssertStoredAsync(turn.Reply);
            await AssertStoredAsync(turn.Run, nameof(Run.LeaseExpiresAt));
        }
    }

    [Test]
    public async Task A_reply_that_is_none_is_removed()
    {
        var turn = await StartAsync(begins: true);
        End(turn, RunStatus.Failed, "upstream_error", null);
        await _turns.EndAsync(turn.Run, turn.Reply, isKept: false);

        await AssertStoredAsync(turn.Run, nameof(Run.LeaseExpiresAt));
        await using var db = _services.GetRequiredService<IChatDbContextFactory>().Create();
        Assert.That(await db.Messages.Select(message => message.Id).ToListAsync(), Is.EqualTo([turn.Question.Id]));
    }

    [Test]
    public async Task Who_has_been_overtaken_ends_nothing()
    {
        var turn = await StartAsync(begins: true);
        await using (var db = _services.GetRequiredService<IChatDbContextFactory>().Create())
            await db.Runs.ExecuteUpdateAsync(set => set.SetProperty(run => run.Fence, 2));
        End(turn, RunStatus.Completed, null, "stop");

        Assert.That(async () => await _turns.EndAsync(turn.Run, turn.Reply, isKept: true), Throws.InstanceOf<DbUpdateConcurrencyException>());
        Assert.That((await SingleAsync<Run>(turn.Run.Id)).Status, Is.EqualTo(RunStatus.Running));
        Assert.That((await SingleAsync<ChatMessage>(turn.Reply.Id)).Content, Is.Empty);
    }

    [Test]
    public async Task Whoever_starts_beside_a_run_or_after_others_stores_nothing()
    {
        var turn = await StartAsync(begins: true);
        var (sessionId, userId) = (turn.Run.SessionId, turn.Run.UserId);

        Assert.That(async () => await _turns.StartAsync(NewTurn(sessionId, userId, 2)), Throws.InstanceOf<UniqueViolationException>());
        End(turn, RunStatus.Completed, null, "stop");
        await _turns.EndAsync(turn.Run, turn.Reply, isKept: true);
        Assert.That(
            async () => await _turns.StartAsync(NewTurn(sessionId, userId, 0)),
            Throws.InstanceOf<DbUpdateConcurrencyException>().Or.InstanceOf<UniqueViolationException>());
        Assert.That(async () => await _turns.StartAsync(NewTurn(Guid.CreateVersion7(), userId, 0)), Throws.InstanceOf<DbUpdateConcurrencyException>());
        Assert.That(async () => await _turns.StartAsync(NewTurn(sessionId, userId, 2)), Throws.InstanceOf<UniqueViolationException>(), "The key.");

        await using var db = _services.GetRequiredService<IChatDbContextFactory>().Create();
        Assert.That((await db.Messages.CountAsync(), await db.Runs.CountAsync()), Is.EqualTo((2, 1)));
    }

    [Test]
    public async Task The_latest_messages_with_text_are_read_in_order_and_by_their_owner_alone()
    {
        var userId = Guid.CreateVersion7();
        var session = NewSession(Guid.CreateVersion7(), userId, 13);
        session.Settings = new(Model: "m-3", Temperature: 0.25, Stop: ["fin"]);
        List<Guid> ids;
        var empty = NewSession(Guid.CreateVersion7(), userId, 0);
        empty.Settings = null;
        await using (var db = _services.GetRequiredService<IChatDbContextFactory>().Create())
        {
            db.Sessions.AddRange(session, empty);
            for (var position = 1; position <= 12; position++)
                db.Messages.Add(NewMessage(session.Id, userId, position, position % 2 == 1 ? MessageRole.User : MessageRole.Assistant, position == 9 ? "" : $"n.º {position} 👋🏽"));
            ids = [.. ((DbContext)db).ChangeTracker.Entries<ChatMessage>().Select(entry => entry.Entity).OrderBy(message => message.Position).Select(message => message.Id)];
            var left = NewMessage(session.Id, userId, 13, MessageRole.User, "on another branch");
            left.IsOnBranch = false;
            db.Messages.Add(left);
            await db.SaveChangesAsync(CancellationToken.None);
        }

        var read = await ReadAsync(userId, session.Id, 4);
        Assert.That((read!.LastPosition, read.LastId, read.Settings!.Model, read.Settings.Temperature), Is.EqualTo((13, ids[11], "m-3", 0.25)));
        Assert.That(read.Settings.Stop, Is.EqualTo(["fin"]));
        Assert.That(read.History, Is.EqualTo(
            [
                new Utterance(ids[7], MessageRole.Assistant, "n.º 8 👋🏽"), new(ids[9], MessageRole.Assistant, "n.º 10 👋🏽"),
                new(ids[10], MessageRole.User, "n.º 11 👋🏽"), new(ids[11], MessageRole.Assistant, "n.º 12 👋🏽"),
            ]));
        var before = await ReadAsync(userId, session.Id, 2, before: 9);
        Assert.That((before!.LastId, before.History[0].Id, before.History[1].Id), Is.EqualTo((ids[7], ids[6], ids[7])));
        Assert.That((await ReadAsync(userId, session.Id, 1, before: 10))!.LastId, Is.EqualTo(ids[8]), "It is empty, but the last.");
        Assert.That((await ReadAsync(userId, session.Id, 0))!.History, Is.Empty);
        var nothing = await ReadAsync(userId, empty.Id, 4);
        Assert.That((nothing!.LastId, nothing.Settings, nothing.History.Count), Is.EqualTo(((Guid?)null, (ReplySettings?)null, 0)));
        Assert.That(await ReadAsync(Guid.CreateVersion7(), session.Id, 4), Is.Null);
        Assert.That(await ReadAsync(userId, Guid.CreateVersion7(), 4), Is.Null);
        await using (var db = _services.GetRequiredService<IChatDbContextFactory>().Create())
            await db.Sessions.ExecuteUpdateAsync(set => set.SetProperty(row => row.DeletedAt, Now));
        Assert.That(await ReadAsync(userId, session.Id, 4), Is.Null, "It is in the trash.");
        Assert.That(async () => await _turns.StartAsync(NewTurn(session.Id, userId, 13)), Throws.InstanceOf<DbUpdateConcurrencyException>());
    }

    [Test]
    public async Task What_is_asked_anew_leaves_the_branch_that_was_there()
    {
        var first = await StartAsync(begins: true);
        End(first, RunStatus.Completed, null, "stop");
        await _turns.EndAsync(first.Run, first.Reply, isKept: true);
        var (sessionId, userId) = (first.Run.SessionId, first.Run.UserId);

        var again = NewTurn(sessionId, userId, 1) with { Question = first.Question, IsAnswerAnew = true, LeavesBranchAfter = 1 };
        again.Reply.ParentId = first.Question.Id;
        again.Reply.HasSiblings = true;
        await _turns.StartAsync(again with { Run = NewRun(again.Question, again.Reply, userId, "otra") });

        await AssertStoredAsync(again.Reply);
        await AssertStoredAsync(first.Question);
        var left = await SingleAsync<ChatMessage>(first.Reply.Id);
        Assert.That((left.IsOnBranch, left.HasSiblings, left.Content), Is.EqualTo((false, true, first.Reply.Content)));
        Assert.That((await SingleAsync<ChatSession>(sessionId)).LastPosition, Is.EqualTo(3));

        // It comes to nothing: with its end the branch that was there is shown again.
        var end = again with { Run = await SingleAsync<Run>((await RunsAsync()).Single(run => run.Status == RunStatus.Running).Id) };
        End(end, RunStatus.Failed, "upstream_error", null);
        await _turns.EndAsync(end.Run, end.Reply, isKept: false);

        Assert.That((await SingleAsync<ChatMessage>(first.Reply.Id)).IsOnBranch, Is.True);
        Assert.That((await SingleAsync<ChatSession>(sessionId)).LastPosition, Is.EqualTo(4), "Whoever has read the branch before finds another one.");
        Assert.That(async () => await _turns.EndAsync(end.Run, end.Reply, isKept: false), Throws.InstanceOf<DbUpdateConcurrencyException>());
    }

    [Test]
    public async Task What_replies_cost_is_added_up_by_day_and_model_and_stays()
    {
        var first = await StartAsync(begins: true);
        End(first, RunStatus.Completed, null, "stop");
        await _turns.EndAsync(first.Run, first.Reply, isKept: true);
        var second = NewTurn(first.Run.SessionId, first.Run.UserId, 2);
        second = second with { Run = NewRun(second.Question, second.Reply, first.Run.UserId, "otra") };
        await _turns.StartAsync(second);
        End(second, RunStatus.Completed, null, "stop");
        second.Reply.Usage = new(1, 2, false);
        await _turns.EndAsync(second.Run, second.Reply, isKept: true);

        await using var db = _services.GetRequiredService<IChatDbContextFactory>().Create();
        await db.Sessions.ExecuteDeleteAsync();
        var day = await db.DailyUsages.SingleAsync();
        Assert.That(
            (day.UserId, day.Day, day.Model, day.Replies, day.PromptTokens, day.CompletionTokens, day.EstimatedTokens),
            Is.EqualTo((first.Run.UserId, DateOnly.FromDateTime(Now), "m-2", 2, 13L, 5L, 15L)));
    }

    [Test]
    public async Task A_reply_counts_for_the_day_UTC_on_which_it_was_asked_for()
    {
        var midnight = new DateTime(2026, 3, 1, 0, 0, 0, DateTimeKind.Utc);
        var userId = Guid.CreateVersion7();
        foreach (var (at, tokens) in new[] { (midnight.AddMicroseconds(-1), 1), (midnight, 10), (midnight.AddDays(1).AddMicroseconds(-1), 100) })
        {
            var session = NewSession(Guid.CreateVersion7(), userId, 2);
            var turn = NewTurn(session.Id, userId, 0) with { NewSession = session };
            turn = turn with { Run = NewRun(turn.Question, turn.Reply, userId, $"{tokens}", at) };
            await _turns.StartAsync(turn);
            End(turn, RunStatus.Completed, null, "stop");
            turn.Reply.Usage = new(tokens, 0, false);
            turn.Run.EndedAt = midnight.AddDays(3);
            await _turns.EndAsync(turn.Run, turn.Reply, isKept: true);
        }

        await using var db = _services.GetRequiredService<IChatDbContextFactory>().Create();
        var days = await db.DailyUsages.OrderBy(usage => usage.Day).Select(usage => new { usage.Day, usage.PromptTokens }).ToListAsync();
        Assert.That(
            days.Select(usage => (usage.Day, usage.PromptTokens)),
            Is.EqualTo([(new DateOnly(2026, 2, 28), 1L), (new DateOnly(2026, 3, 1), 110L)]));
    }

    [TestCase("Nueva conversación", false, true)]
    [TestCase("Nueva conversación", true, false)]
    [TestCase("Otra", false, false)]
    public async Task It_is_told_whether_a_title_may_be_made(string title, bool isChosen, bool isUntitled)
    {
        var session = NewSession(Guid.CreateVersion7(), Guid.CreateVersion7(), 0);
        (session.Title, session.IsTitleChosen) = (title, isChosen);
        await using (var db = _services.GetRequiredService<IChatDbContextFactory>().Create())
        {
            db.Sessions.Add(session);
            await db.SaveChangesAsync(CancellationToken.None);
        }

        Assert.That((await ReadAsync(session.UserId, session.Id, 4))!.IsUntitled, Is.EqualTo(isUntitled));
    }

    private Task<Conversation?> ReadAsync(Guid userId, Guid sessionId, int messages, int before = int.MaxValue) =>
        _turns.ReadAsync(userId, sessionId, before, messages, CancellationToken.None);

    private Task<Conversation?> ReadAndStartAsync(NewTurn turn, int room = 1000) => _turns.ReadAndStartAsync(turn, 4, room);

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
        await _turns.EndAsync(turn.Run, turn.Reply, isKept: true);
        await SetAsync(turn.Run.SessionId, session => session.Settings = null);
        return (turn, await SingleAsync<ChatSession>(turn.Run.SessionId));
    }

    private async Task SetAsync(Guid sessionId, Action<ChatSession> set)
    {
        await using var db = _services.GetRequiredService<IChatDbContextFactory>().Create();
        set(await db.Sessions.IgnoreQueryFilters().AsTracking().SingleAsync(session => session.Id == sessionId));
        await db.SaveChangesAsync(CancellationToken.None);
    }

    private async Task<NewTurn> StartAsync(bool begins)
    {
        var session = NewSession(Guid.CreateVersion7(), Guid.CreateVersion7(), begins ? 2 : 0);
        var turn = NewTurn(session.Id, session.UserId, 0) with { NewSession = begins ? session : null };
        if (!begins)
        {
            await using var db = _services.GetRequiredService<IChatDbContextFactory>().Create();
            db.Sessions.Add(session);
            await db.SaveChangesAsync(CancellationToken.None);
        }

        await _turns.StartAsync(turn);
        return turn;
    }

    private static void End(NewTurn turn, RunStatus status, string? code, string? finish)
    {
        var (run, reply) = (turn.Run, turn.Reply);
        (run.Status, run.ErrorCode, run.EndedAt, run.Pieces, run.PieceLengths) = (status, code, Now.AddSeconds(3), 2, [3, 4]);
        (reply.Content, reply.Status, reply.FinishReason, reply.Model, reply.Usage) = ("¡Hola 👋🏽!", status, finish, "m-2", new(12, 3, true));
    }

    private static NewTurn NewTurn(Guid sessionId, Guid userId, int last)
    {
        var question = NewMessage(sessionId, userId, last + 1, MessageRole.User, "¿Qué tal? 'ñ'");
        (question.ParentId, question.Metadata, question.ClientId) = (Guid.CreateVersion7(), """{"a": 1}""", $"m-{last}");
        var reply = NewMessage(sessionId, userId, last + 2, MessageRole.Assistant, "");
        (reply.Status, reply.Model, reply.ParentId) = (RunStatus.Running, "m-1", question.Id);
        return new(null, question, reply, NewRun(question, reply, userId, "clave"));
    }

    private static Run NewRun(ChatMessage question, ChatMessage reply, Guid userId, string? key, DateTime? at = null) => new()
    {
        Id = Guid.CreateVersion7(),
        SessionId = reply.SessionId,
        UserId = userId,
        UserMessageId = question.Id,
        MessageId = reply.Id,
        Status = RunStatus.Running,
        Owner = Guid.CreateVersion7(),
        IdempotencyKey = key,
        RequestHash = key is null ? null : [1, 2, 3],
        ContextMessageIds = key is null ? [] : [Guid.CreateVersion7(), Guid.CreateVersion7()],
        ContextTrimmed = key is null ? 0 : 3,
        ContextTokens = key is null ? null : 77,
        CreatedAt = at ?? Now,
    };

    private static ChatMessage NewMessage(Guid sessionId, Guid userId, int position, MessageRole role, string content) => new()
    {
        Id = Guid.CreateVersion7(),
        SessionId = sessionId,
        UserId = userId,
        Position = position,
        Role = role,
        Content = content,
        CreatedAt = role == MessageRole.User ? Now : Now.AddMicroseconds(1),
    };

    private static ChatSession NewSession(Guid id, Guid userId, int last) => new()
    {
        Id = id,
        UserId = userId,
        ClientId = $"c-{id}",
        Title = "Título",
        CreatedAt = Now,
        UpdatedAt = Now,
        LastMessageAt = Now,
        LastPosition = last,
        IsTitleChosen = true,
        Settings = new(SystemPrompt: "Sé breve."),
        Metadata = """{"b":[2]}""",
        IsPinned = true,
        IsArchived = true,
    };

    private async Task<List<Run>> RunsAsync()
    {
        await using var db = _services.GetRequiredService<IChatDbContextFactory>().Create();
        return await db.Runs.ToListAsync();
    }

    private async Task<T> SingleAsync<T>(Guid id, bool inTrash = false) where T : class
    {
        await using var db = (DbContext)_services.GetRequiredService<IChatDbContextFactory>().Create();
        return await (inTrash ? db.Set<T>().IgnoreQueryFilters() : db.Set<T>()).SingleAsync(row => EF.Property<Guid>(row, "Id") == id);
    }

    private async Task AssertStoredAsync<T>(T expected, params string[] apartFrom) where T : class
    {
        await using var db = (DbContext)_services.GetRequiredService<IChatDbContextFactory>().Create();
        var type = db.Model.FindEntityType(typeof(T))!;
        var stored = await SingleAsync<T>((Guid)type.FindProperty("Id")!.GetGetter().GetClrValue(expected)!);
        var names = type.GetProperties().Select(property => property.Name).Concat(type.GetComplexProperties().Select(property => property.Name)).ToList();
        Assert.That(names, Has.Count.GreaterThan(5));
        foreach (var name in names.Except(apartFrom))
            Assert.That(typeof(T).GetProperty(name)!.GetValue(stored), Is.EqualTo(typeof(T).GetProperty(name)!.GetValue(expected)), name);
    }
}
