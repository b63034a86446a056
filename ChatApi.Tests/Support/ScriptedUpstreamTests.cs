using System.Net.Sockets;
using System.Text;
using NUnit.Framework;

namespace ChatApi.Tests.Support;

/// <summary>The tool that other tests believe is tried with a plain HTTP client first.</summary>
public sealed class ScriptedUpstreamTests
{
    private static readonly HttpClient Client = new();

    [Test]
    public async Task A_reply_is_a_stream_of_events_and_the_ledger_knows_it()
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Reply("Hola", ", ¿qué");

        using var response = await Client.PostAsync(new Uri($"{upstream.BaseUrl}/chat/completions?x=1"), new StringContent("{\"a\":\"ñ\"}"));
        var text = await response.Content.ReadAsStringAsync();

        var call = upstream.Calls.Single();
        await call.Played;
        Assert.Multiple(() =>
        {
            Assert.That(response.Content.Headers.ContentType!.MediaType, Is.EqualTo("text/event-stream"));
            Assert.That(text, Does.Contain("\"content\":\", ¿qué\"").And.Contain("\"finish_reason\":\"stop\"").And.EndWith("data: [DONE]\n\n"));
            Assert.That(call.Path, Is.EqualTo("/v1/chat/completions?x=1"));
            Assert.That(call.Json.GetProperty("a").GetString(), Is.EqualTo("ñ"));
            Assert.That(call.SentText, Is.EqualTo("Hola, ¿qué"));
            Assert.That(call.SentBytes, Is.EqualTo(Encoding.UTF8.GetByteCount(text)));
            Assert.That(call.ClientClosed.IsCompleted, Is.False);
        });
    }

    [Test]
    public async Task A_cut_and_a_reset_break_the_body_and_an_end_does_not([Values("cut", "reset", "end")] string how)
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Script(reply => how switch
        {
            "cut" => reply.Delta("Hola").Cut(),
            "reset" => reply.Delta("Hola").Delay(50).Reset(),
            _ => reply.Delta("Hola"),
        });

        using var response = await Client.GetAsync(upstream.Address, HttpCompletionOption.ResponseHeadersRead);
        var error = await Outcome(response.Content.ReadAsStringAsync());

        if (how == "end")
            Assert.That(error, Is.Null);
        else
            Assert.That(error, Is.InstanceOf<HttpRequestException>());
        Assert.That(error?.InnerException?.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset }, Is.EqualTo(how == "reset"));
        Assert.That(upstream.Calls.Single().SentText, Is.EqualTo("Hola"));
    }

    [Test]
    public async Task The_leaving_of_the_client_is_seen()
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Script(reply => reply.Delta("Hola").Silence());

        using (await Client.GetAsync(upstream.Address, HttpCompletionOption.ResponseHeadersRead))
        {
        }

        var call = await upstream.CallAsync();
        await call.ClientClosed.WaitAsync(TimeSpan.FromSeconds(5));
        await call.Played.WaitAsync(TimeSpan.FromSeconds(5));
        Assert.That(call.SentText, Is.EqualTo("Hola"));
    }

    private static async Task<Exception?> Outcome(Task task)
    {
        try
        {
            await task;
            return null;
        }
        catch (HttpRequestException failure)
        {
            return failure;
        }
    }
}
