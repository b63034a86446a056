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
        var session = NewSession(Guid.CreateVersion7(), userId, 12);
        var empty = NewSession(Guid.CreateVersion7(), userId, 0);
        await using (var db = _services.GetRequiredService<IChatDbContextFactory>().Create())
        {
            db.Sessions.AddRange(session, empty);
            for (var position = 1; position <= 12; position++)
                db.Messages.Add(NewMessage(session.Id, position, position % 2 == 1 ? MessageRole.User : MessageRole.Assistant, position == 9 ? "" : $"n.º {position} 👋🏽"));
            await db.SaveChangesAsync(CancellationToken.None);
        }

        var read = await _turns.ReadAsync(userId, session.Id, 4, CancellationToken.None);
        Assert.That(read!.LastPosition, Is.EqualTo(12));
        Assert.That(read.History, Is.EqualTo(
            [
                new Utterance(MessageRole.Assistant, "n.º 8 👋🏽"), new(MessageRole.Assistant, "n.º 10 👋🏽"),
                new(MessageRole.User, "n.º 11 👋🏽"), new(MessageRole.Assistant, "n.º 12 👋🏽"),
            ]));
        Assert.That((await _turns.ReadAsync(userId, session.Id, 0, CancellationToken.None))!.History, Is.Empty);
        Assert.That((await _turns.ReadAsync(userId, empty.Id, 4, CancellationToken.None))!.History, Is.Empty);
        Assert.That(await _turns.ReadAsync(Guid.CreateVersion7(), session.Id, 4, CancellationToken.None), Is.Null);
        Assert.That(await _turns.ReadAsync(userId, Guid.CreateVersion7(), 4, CancellationToken.None), Is.Null);
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
        var question = NewMessage(sessionId, last + 1, MessageRole.User, "¿Qué tal? 'ñ'");
        var reply = NewMessage(sessionId, last + 2, MessageRole.Assistant, "");
        (reply.Status, reply.Model) = (RunStatus.Running, "m-1");
        return new(null, question, reply, new Run
        {
            Id = Guid.CreateVersion7(),
            SessionId = sessionId,
            UserId = userId,
            UserMessageId = question.Id,
            MessageId = reply.Id,
            Status = RunStatus.Running,
            Owner = Guid.CreateVersion7(),
            IdempotencyKey = "clave",
            RequestHash = [1, 2, 3],
            CreatedAt = Now,
        });
    }

    private static ChatMessage NewMessage(Guid sessionId, int position, MessageRole role, string content) => new()
    {
        Id = Guid.CreateVersion7(),
        SessionId = sessionId,
        Position = position,
        Role = role,
        Content = content,
        CreatedAt = role == MessageRole.User ? Now : Now.AddMicroseconds(1),
    };

    private static ChatSession NewSession(Guid id, Guid userId, int last) => new()
    {
        Id = id,
        UserId = userId,
        Title = "Título",
        CreatedAt = Now,
        UpdatedAt = Now,
        LastMessageAt = Now,
        LastPosition = last,
    };

    private async Task<T> SingleAsync<T>(Guid id) where T : class
    {
        await using var db = (DbContext)_services.GetRequiredService<IChatDbContextFactory>().Create();
        return await db.Set<T>().SingleAsync(row => EF.Property<Guid>(row, "Id") == id);
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
