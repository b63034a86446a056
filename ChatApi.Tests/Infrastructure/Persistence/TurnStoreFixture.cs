using ChatApi.Application.Abstractions;
using ChatApi.Application.Configuration;
using ChatApi.Domain;
using ChatApi.Infrastructure.Persistence;
using ChatApi.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Persistence;

/// <summary>A store of turns, on a database of its own for each test, and rows for it.</summary>
public abstract class TurnStoreFixture(DatabaseKind database)
{
    private protected static readonly DateTime Now = new DateTime(2026, 2, 3, 4, 5, 6, DateTimeKind.Utc).AddMicroseconds(120_450);

    private TemporaryDirectory _directory = null!;
    private ServiceProvider _services = null!;

    private protected ITurnStore Turns { get; private set; } = null!;

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
        Turns = _services.GetRequiredService<ITurnStore>();
    }

    [TearDown]
    public async Task TearDownAsync()
    {
        await _services.DisposeAsync();
        _directory.Dispose();
    }

    private protected IChatDbContext NewContext() => _services.GetRequiredService<IChatDbContextFactory>().Create();

    private protected Task<Conversation?> ReadAsync(Guid userId, Guid sessionId, int messages, int before = int.MaxValue) =>
        Turns.ReadAsync(userId, sessionId, before, messages, CancellationToken.None);

    private protected async Task<NewTurn> StartAsync(bool begins)
    {
        var session = NewSession(Guid.CreateVersion7(), Guid.CreateVersion7(), begins ? 2 : 0);
        var turn = NewTurn(session.Id, session.UserId, 0) with { NewSession = begins ? session : null };
        if (!begins)
        {
            await using var db = NewContext();
            db.Sessions.Add(session);
            await db.SaveChangesAsync(CancellationToken.None);
        }

        await Turns.StartAsync(turn);
        return turn;
    }

    private protected static void End(NewTurn turn, RunStatus status, string? code, string? finish)
    {
        var (run, reply) = (turn.Run, turn.Reply);
        (run.Status, run.ErrorCode, run.EndedAt, run.Pieces, run.PieceLengths) = (status, code, Now.AddSeconds(3), 2, [3, 4]);
        (reply.Content, reply.Status, reply.FinishReason, reply.Model, reply.Usage) = ("¡Hola 👋🏽!", status, finish, "m-2", new(12, 3, true));
    }

    private protected static NewTurn NewTurn(Guid sessionId, Guid userId, int last)
    {
        var question = NewMessage(sessionId, userId, last + 1, MessageRole.User, "¿Qué tal? 'ñ'");
        (question.ParentId, question.Metadata, question.ClientId) = (Guid.CreateVersion7(), """{"a": 1}""", $"m-{last}");
        var reply = NewMessage(sessionId, userId, last + 2, MessageRole.Assistant, "");
        (reply.Status, reply.Model, reply.ParentId) = (RunStatus.Running, "m-1", question.Id);
        return new(null, question, reply, NewRun(question, reply, userId, "clave"));
    }

    private protected static Run NewRun(ChatMessage question, ChatMessage reply, Guid userId, string? key, DateTime? at = null) => new()
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

    private protected static ChatMessage NewMessage(Guid sessionId, Guid userId, int position, MessageRole role, string content) => new()
    {
        Id = Guid.CreateVersion7(),
        SessionId = sessionId,
        UserId = userId,
        Position = position,
        Role = role,
        Content = content,
        CreatedAt = role == MessageRole.User ? Now : Now.AddMicroseconds(1),
    };

    private protected static ChatSession NewSession(Guid id, Guid userId, int last) => new()
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

    private protected async Task<List<Run>> RunsAsync()
    {
        await using var db = NewContext();
        return await db.Runs.ToListAsync();
    }

    private protected async Task<T> SingleAsync<T>(Guid id, bool inTrash = false) where T : class
    {
        await using var db = (DbContext)NewContext();
        return await (inTrash ? db.Set<T>().IgnoreQueryFilters() : db.Set<T>()).SingleAsync(row => EF.Property<Guid>(row, "Id") == id);
    }

    private protected async Task AssertStoredAsync<T>(T expected, params string[] apartFrom) where T : class
    {
        await using var db = (DbContext)NewContext();
        var type = db.Model.FindEntityType(typeof(T))!;
        var stored = await SingleAsync<T>((Guid)type.FindProperty("Id")!.GetGetter().GetClrValue(expected)!);
        var names = type.GetProperties().Select(property => property.Name).Concat(type.GetComplexProperties().Select(property => property.Name)).ToList();
        Assert.That(names, Has.Count.GreaterThan(5));
        foreach (var name in names.Except(apartFrom))
            Assert.That(typeof(T).GetProperty(name)!.GetValue(stored), Is.EqualTo(typeof(T).GetProperty(name)!.GetValue(expected)), name);
    }
}
