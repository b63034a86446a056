using System.Globalization;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Samples;

/// <summary>The samples for a terminal, run as their users run them.</summary>
[TestFixture("curl")]
[TestFixture("csharp")]
[TestFixture("python")]
[Parallelizable(ParallelScope.Self)]
public sealed class TerminalSampleTests(string sample)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TemporaryDirectory _directory = new();
    private ChatApiEnvironment _environment = null!;
    private FaultProxy _proxy = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        foreach (var program in sample switch { "curl" => ["curl", "jq"], "python" => new[] { "python3" }, _ => [] })
            ServerPrograms.Find(program);
        _environment = await ChatApiEnvironment.ForAsync(DatabaseKind.Sqlite);
        _proxy = FaultProxy.Before(_environment.Server.Address.Port);
        if (sample == "csharp")
            await BuildAsync();
    }

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_proxy is not null)
            await _proxy.DisposeAsync();
        _directory.Dispose();
    }

    [TearDown]
    public void Heal() => _proxy.Heal();

    [Test]
    public async Task It_prints_the_replies_of_a_conversation()
    {
        const string Text = "ñ 漢 👩‍👩‍👧 \n\n data: $HOME `id` %s \\n \\ \"' ";
        var first = _environment.Model.Ask(ScriptedUpstreamReply.Text("Uno ", Text, "fin."));
        var second = ModelScripts.NewQuestion("¿Y \"esto\", 'qué' es?");
        await using var program = Start(first, second);

        Assert.That(await program.WaitForExitAsync(Patience), Is.Zero, program.Output);
        Assert.That(program.Output, Is.EqualTo($"Uno {Text}fin.\n{ModelScripts.DefaultReply}\n"));
        Assert.That(ModelScripts.Conversation(_environment.Model.CallsFor(second).Single()), Has.Count.EqualTo(3));
    }

    [Test]
    public async Task It_reads_a_stream_whose_bytes_come_one_by_one()
    {
        const string Text = "ñ 漢 👩‍👩‍👧 fin.";
        _proxy.SplitAnswers();
        await using var program = Start(_environment.Model.Ask(ScriptedUpstreamReply.Text("Uno, ", "dos. ", Text)));

        Assert.That(await program.WaitForExitAsync(Patience), Is.Zero, program.Output);
        Assert.That(program.Output, Is.EqualTo($"Uno, dos. {Text}\n"));
    }

    [Test]
    public async Task It_takes_up_a_reply_where_the_stream_broke()
    {
        var gate = new TaskCompletionSource();
        var question = _environment.Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Uno,\n").Delta("dos,\n").WaitFor(gate.Task).Delta("tres.").Finish().Done());
        await using var program = Start(question);
        await Poll.UntilAsync(() => program.Output == "Uno,\ndos,\n", "the first pieces");

        _proxy.Refuse();
        _proxy.ResetAll();
        gate.SetResult();
        _proxy.Heal();

        Assert.That(await program.WaitForExitAsync(Patience), Is.Zero, program.Output);
        Assert.That(WithoutErrors(program), Is.EqualTo("Uno,\ndos,\ntres.\n"));
        Assert.That(_environment.Model.CallsFor(question), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task It_asks_again_after_a_break_whatever_a_proxy_says_meanwhile()
    {
        await using var gateway = await FaultGateway.BeforeAsync(_environment.Server.Address);
        gateway.AnswerWith(FaultGateway.Break, 502, 503);
        var question = _environment.Model.Ask(ScriptedUpstreamReply.Text("Al fin."));
        await using var program = Start(new Dictionary<string, string?> { ["CHATAPI_URL"] = gateway.Address.GetLeftPart(UriPartial.Authority) }, question);

        Assert.That(await program.WaitForExitAsync(Patience), Is.Zero, program.Output);
        Assert.That(WithoutErrors(program), Is.EqualTo("Al fin.\n"));
        Assert.That(_environment.Model.CallsFor(question), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Control_C_stops_the_reply()
    {
        var question = _environment.Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Hasta aquí.\n").Silence());
        await using var program = Start(question);
        await Poll.UntilAsync(() => program.Output.Contains("aquí.\n", StringComparison.Ordinal), "the first piece");

        program.Signal(ProcessSignal.Interrupt);

        Assert.That(await program.WaitForExitAsync(Patience), Is.Zero, program.Output);
        Assert.That(WithoutErrors(program), Is.EqualTo("Hasta aquí.\n\n"));
    }

    [Test]
    public async Task What_is_refused_is_told_in_the_servers_words()
    {
        await using var program = Start(new Dictionary<string, string?> { ["CHATAPI_PASSWORD"] = "not-the-password" }, "Hola");

        Assert.That(await program.WaitForExitAsync(Patience), Is.EqualTo(1), program.Output);
        Assert.That(program.Errors.Trim(), Is.EqualTo("The email address or the password is wrong."));
    }

    [Test]
    public async Task A_reply_that_fails_is_no_success()
    {
        await using var program = Start(_environment.Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("A medias").Cut()));

        Assert.That(await program.WaitForExitAsync(Patience), Is.EqualTo(1), program.Output);
        Assert.That(program.Output, Does.Contain("A medias"));
        Assert.That(program.Errors, Does.Contain("broke off"));
    }

    /// <summary>What <c>dotnet run</c> would do first; nothing stays running after it.</summary>
    private async Task BuildAsync()
    {
        await using var build = ChildProcess.Start(
            "dotnet", ["build", Repository.File("samples", "csharp", "Chat.cs"), "--output", _directory.File("app"), "-p:UseSharedCompilation=false"], _directory,
            new Dictionary<string, string?> { ["MSBUILDDISABLENODEREUSE"] = "1", ["DOTNET_NOLOGO"] = "1" });
        Assert.That(await build.WaitForExitAsync(TimeSpan.FromMinutes(3)), Is.Zero, build.Output);
    }

    /// <summary>What it has printed, but for what curl says of a broken connection.</summary>
    private static string WithoutErrors(ChildProcess program) =>
        string.Concat(program.Output.Split('\n', StringSplitOptions.None).SkipLast(1).Where(line => !line.StartsWith("curl: (", StringComparison.Ordinal)).Select(line => line + "\n"));

    private ChildProcess Start(params string[] questions) => Start(new Dictionary<string, string?>(), questions);

    private ChildProcess Start(Dictionary<string, string?> environment, params string[] questions)
    {
        environment["CHATAPI_URL"] = environment.GetValueOrDefault("CHATAPI_URL") ?? string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_proxy.Port}");
        // A shell that runs these tests in the background ignores Ctrl+C, and all that it starts inherits that.
        string[] command = sample switch
        {
            "curl" => ["env", "--default-signal=INT", "bash", Repository.File("samples", "curl", "chat.sh")],
            "python" => ["env", "--default-signal=INT", "python3", Repository.File("samples", "python", "chat.py")],
            _ => ["env", "--default-signal=INT", "dotnet", _directory.File("app/Chat.dll")],
        };
        return ChildProcess.Start(command[0], [.. command[1..], .. questions], _directory, environment);
    }
}
