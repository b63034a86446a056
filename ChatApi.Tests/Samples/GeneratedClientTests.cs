using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Samples;

/// <summary>What others' tools make of the OpenAPI document.</summary>
[NonParallelizable]
public sealed class GeneratedClientTests
{
    [Test]
    public async Task A_linter_has_nothing_to_say_about_the_document()
    {
        var lint = await SampleWorkspace.RunScriptAsync("lint");

        Assert.That(lint.ExitCode, Is.Zero, lint.Output);
        Assert.That(lint.Output, Does.Contain("docs/openapi.json: validated"));
    }

    [Test]
    public async Task A_TypeScript_client_made_from_the_document_compiles_and_has_a_conversation()
    {
        await SampleWorkspace.BuildAsync();
        var environment = await ChatApiEnvironment.ForAsync(DatabaseKind.Sqlite);
        var (whole, streamed) = (environment.Model.Ask(ScriptedUpstreamReply.Text("Uno, ", "dos.")), environment.Model.Ask(ScriptedUpstreamReply.Text("Tres, ", "cuatro.")));
        await using var client = ChildProcess.Start(
            "node", [Path.Combine(SampleWorkspace.Root, "typescript-client", "dist", "typescript-client", "src", "main.js"), whole, streamed], SampleWorkspace.Root,
            new Dictionary<string, string?> { ["CHATAPI_URL"] = environment.Server.Address.GetLeftPart(UriPartial.Authority) });

        Assert.That(await client.WaitForExitAsync(), Is.Zero, client.Output);
        Assert.That(client.Output, Is.EqualTo($"""
            Signed in as Ana.
            Opened "A generated client".
            Whole: Uno, dos.
            Streamed: Tres, cuatro.
            user (completed): {whole}
            assistant (completed): Uno, dos.
            user (completed): {streamed}
            assistant (completed): Tres, cuatro.
            Deleted: 404.

            """));
    }
}
