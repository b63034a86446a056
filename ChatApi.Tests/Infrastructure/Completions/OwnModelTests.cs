using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using ChatApi.Application;
using ChatApi.Application.Configuration;
using ChatApi.Application.Errors;
using ChatApi.Infrastructure;
using ChatApi.Tests.Support;
using ChatApi.Web.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

/// <summary>The application as <c>Program.cs</c> composes it, with the one line of <c>docs/models.md</c> more: a team's own model replies.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class OwnModelTests
{
    private const string Secret = "host-7f3a.internal refused key sk-canary-9151";

    [Test]
    public async Task It_is_streamed_stored_and_counted()
    {
        await using var app = await AppAsync(new TeamsModel("Hola", ", ¿qué", " tal?"));

        var session = (await app.PostAsync("/api/chat/realtime/sessions", new { })).Json.GetProperty("id").GetString();
        var stream = (await app.PostAsync($"/api/chat/realtime/sessions/{session}/stream", new { content = "Buenos días" })).Text;
        var stored = (await app.GetAsync($"/api/chat/sessions/{session}/messages")).Json[1];

        Assert.That(stream, Does.Contain("\"type\":\"content\"").And.Contain("\"type\":\"done\"").And.Contain("Hola, ¿qué tal?"));
        Assert.That(stored.GetProperty("content").GetString(), Is.EqualTo("Hola, ¿qué tal?"));
        Assert.That(stored.GetProperty("model").GetString(), Is.EqualTo("teams-model-2"));
        Assert.That(stored.GetProperty("finish_reason").GetString(), Is.EqualTo("stop"));

        // Two updates counted: a client that calls functions asks several times for one reply.
        var usage = stored.GetProperty("usage");
        Assert.That(
            (usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("completion_tokens").GetInt32()), Is.EqualTo((30, 12)));
        Assert.That(usage.GetRawText(), Does.Not.Contain("true"), "It is not estimated.");
    }

    [Test]
    public async Task It_is_shown_what_the_settings_say_and_the_conversation()
    {
        var model = new TeamsModel("Vale");
        await using var app = await AppAsync(model, ("CHAT_SYSTEM_PROMPT", "Be brief."), ("CHAT_TEMPERATURE", "0.2"), ("CHAT_MAX_OUTPUT_TOKENS", "77"));

        await app.PostAsync("/api/chat", new { content = "Hola" });

        Assert.That(model.Asked.Select(message => (message.Role, message.Text)), Is.EqualTo([(ChatRole.System, "Be brief."), (ChatRole.User, "Hola")]));
        Assert.That((model.Options!.Temperature, model.Options.MaxOutputTokens), Is.EqualTo((0.2f, (int?)77)));
    }

    [Test]
    public async Task It_is_asked_by_nobodys_request()
    {
        var model = new TeamsModel("Vale");
        await using var app = await AppAsync(model);

        await app.PostAsync("/api/chat", new { content = "Hola" });

        Assert.That((model.Asked.Count, model.AskedBy), Is.EqualTo((2, (string?)null)), "What belongs to a request ends with it, the run does not.");
    }

    [Test]
    public async Task What_it_says_of_a_failure_is_told_by_its_code()
    {
        var busy = new CompletionException(ErrorCodes.UpstreamThrottled, Secret, retryable: true) { RetryAfter = TimeSpan.FromSeconds(7) };
        await using var app = await AppAsync(new TeamsModel { Failure = busy });

        var answer = await app.PostAsync("/api/chat", new { content = "Hola" });

        Assert.That((answer.Status, answer.RetryAfter, answer.Code), Is.EqualTo((HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(7), "upstream_throttled")));
        Assert.That(answer.Text, Does.Not.Contain("canary"));
    }

    [Test]
    public async Task Whatever_else_it_throws_is_an_upstream_error_with_nothing_of_it_in_the_answer()
    {
        await using var app = await AppAsync(new TeamsModel("Ho") { Failure = new InvalidOperationException(Secret) });

        var answer = await app.PostAsync("/api/chat", new { content = "Hola" });

        Assert.That((answer.Status, answer.Code), Is.EqualTo((HttpStatusCode.BadGateway, "upstream_error")));
        Assert.That(answer.Text, Does.Not.Contain("canary"));
        Assert.That(app.Log.Where(line => line.Contains("failed with upstream_error", StringComparison.Ordinal)), Is.Not.Empty.And.All.Contain("InvalidOperationException"));
        Assert.That(app.Log, Has.None.Contains("canary"), "What it says is not logged, either.");
    }

    [Test]
    public async Task One_that_blocks_before_its_first_piece_holds_up_nobody()
    {
        using var opened = new ManualResetEventSlim();
        await using var app = await AppAsync(new TeamsModel("Hola") { Gate = opened });

        var session = (await app.PostAsync("/api/chat/realtime/sessions", new { })).Json.GetProperty("id").GetString();

        using var response = await app.OpenAsync($"/api/chat/realtime/sessions/{session}/stream", new { content = "Buenos días" }).WaitAsync(Poll.Patience);
        opened.Set();

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await response.Content.ReadAsStringAsync(), Does.Contain("\"type\":\"done\""));
    }

    [Test]
    public async Task One_that_is_silent_is_given_up_on()
    {
        await using var app = await AppAsync(new TeamsModel { IsSilent = true }, ("UPSTREAM_FIRST_CONTENT_TIMEOUT_SECONDS", "0.3"));

        var answer = await app.PostAsync("/api/chat", new { content = "Hola" });

        Assert.That((answer.Status, answer.Code), Is.EqualTo((HttpStatusCode.GatewayTimeout, "upstream_timeout")));
    }

    [Test]
    public async Task A_reply_without_a_reason_for_its_end_is_not_complete()
    {
        await using var app = await AppAsync(new TeamsModel("Hola, ") { HasFinishReason = false });

        var answer = await app.PostAsync("/api/chat", new { content = "Hola" });

        Assert.That((answer.Status, answer.Code), Is.EqualTo((HttpStatusCode.BadGateway, "upstream_truncated")));
    }

    [Test]
    public async Task The_start_says_which_it_is()
    {
        await using var app = await AppAsync(new TeamsModel("Hola"));
        Assert.That(app.Services.DescribeInfrastructure(), Has.One.EqualTo("model: the team's (teams-model)"));
    }

    private static async Task<App> AppAsync(TeamsModel model, params (string Name, string Value)[] more)
    {
        var directory = new TemporaryDirectory();
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            // Controllers are looked for in it; here the process is that of the tests.
            ApplicationName = typeof(Program).Assembly.GetName().Name,
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["urls"] = "http://127.0.0.1:0",
            ["DATABASE_URL"] = $"Data Source={directory.File("chatapi.db")};Pooling=false",
            ["JWT_SECRET_KEY"] = TestTokens.Key,
            ["CHAT_TITLES"] = "off",
        });
        builder.Configuration.AddInMemoryCollection(more.Select(setting => KeyValuePair.Create(setting.Name, (string?)setting.Value)));
        var settings = new Settings(builder.Configuration);
        builder.ConfigureLog(settings);
        builder.ConfigureServer(settings);
        builder.Services.AddApplication(settings);
        builder.Services.AddInfrastructure(settings, isDevelopment: false);
        builder.Services.UseModel(_ => model);
        builder.Services.AddWeb(settings);
        var log = new Log();
        builder.Logging.AddProvider(log);

        var app = builder.Build();
        await app.Services.PrepareDatabaseAsync(isAsked: false, CancellationToken.None);
        app.Use((context, next) =>
        {
            TeamsModel.Request.Value = context.TraceIdentifier;
            return next(context);
        });
        app.UseChatApi();
        await app.StartAsync();
        return new App(app, directory, log);
    }

    private sealed record Answer(HttpStatusCode Status, TimeSpan? RetryAfter, string Text)
    {
        public JsonElement Json => JsonElement.Parse(Text);

        public string? Code => Json.GetProperty("code").GetString();
    }

    /// <summary>The running application, and one user before it.</summary>
    private sealed class App : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private readonly TemporaryDirectory _directory;
        private readonly HttpClient _http;

        public App(WebApplication app, TemporaryDirectory directory, Log log)
        {
            Log = log.Lines;
            (_app, _directory) = (app, directory);
            _http = new HttpClient { BaseAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()) };
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", TestTokens.For(Guid.CreateVersion7()));
        }

        public IServiceProvider Services => _app.Services;

        /// <summary>What was logged, with all that was given along.</summary>
        public IReadOnlyCollection<string> Log { get; }

        /// <summary>Returns with the head of the answer.</summary>
        public async Task<HttpResponseMessage> OpenAsync(string path, object body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        }

        public async Task<Answer> PostAsync(string path, object body) => await ReadAsync(await _http.PostAsJsonAsync(path, body));

        public async Task<Answer> GetAsync(string path) => await ReadAsync(await _http.GetAsync(path));

        public async ValueTask DisposeAsync()
        {
            _http.Dispose();
            await _app.DisposeAsync();
            _directory.Dispose();
        }

        private static async Task<Answer> ReadAsync(HttpResponseMessage response)
        {
            using (response)
                return new Answer(response.StatusCode, response.Headers.RetryAfter?.Delta, await response.Content.ReadAsStringAsync());
        }
    }

    private sealed class Log : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}
