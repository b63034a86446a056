using ChatApi.Infrastructure.Completions;
using ChatApi.Tests.Support;
using Microsoft.Extensions.AI;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

/// <summary>A model that does not take a field is asked again without it, and is not sent it any more.</summary>
public sealed class RequestDialectTests
{
    private static readonly ChatOptions All = new() { Temperature = 0.7f, TopP = 0.9f, MaxOutputTokens = 2000, StopSequences = ["END"] };

    [TestCase("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "max_tokens", "unsupported_parameter", "max_tokens", "max_completion_tokens")]
    [TestCase("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", null, "invalid_request_body", "max_tokens", "max_completion_tokens")]
    [TestCase("Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.", "temperature", "unsupported_value", "temperature", null)]
    [TestCase("Unrecognized request argument supplied: stream_options", null, null, "stream_options", null)]
    [TestCase("[{'type': 'extra_forbidden', 'loc': ('body', 'top_p'), 'msg': 'Extra inputs are not permitted'}]", null, null, "top_p", null)]
    [TestCase("'stop' is not supported with this model.", "stop", "unsupported_parameter", "stop", null)]
    public async Task A_field_that_is_refused_is_left_out_or_renamed_from_then_on(string message, string? param, string? code, string gone, string? instead)
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Fail(400, ScriptedUpstreamReply.Error(message, code, param: param));
        using var client = Completion.Bare(Completion.Options(upstream));

        var first = await Completion.ReadAsync(client, All);
        var second = await Completion.ReadAsync(client, All);

        Assert.That((first.Text, second.Text), Is.EqualTo(("Hello there.", "Hello there.")));
        Assert.That(upstream.Calls, Has.Count.EqualTo(3));
        Assert.That(Fields(upstream.Calls[0]), Does.Contain(gone));
        string[] expected = [.. Fields(upstream.Calls[0]).Where(field => field != gone), .. instead is null ? [] : new[] { instead }];
        Assert.That(Fields(upstream.Calls[1]), Is.EquivalentTo(expected));
        Assert.That(Fields(upstream.Calls[2]), Is.EquivalentTo(expected));
    }

    [Test]
    public async Task A_model_that_takes_neither_limit_nor_temperature_is_found_out_in_one_reply()
    {
        await using var upstream = ScriptedUpstream.Start();
        foreach (var field in (string[])["max_completion_tokens", "temperature", "max_tokens"])
            upstream.Fail(400, ScriptedUpstreamReply.Error($"Unsupported parameter: '{field}'.", "unsupported_parameter", param: field));
        using var client = Completion.Bare(new CompletionOptions
        {
            Provider = CompletionProvider.OpenAI,
            Model = "o-next",
            Endpoint = new Uri(upstream.BaseUrl),
            ApiKey = Completion.Key,
        });

        Assert.That((await Completion.ReadAsync(client, All)).Text, Is.EqualTo("Hello there."));
        Assert.That(Fields(upstream.Calls[3]), Is.EquivalentTo(new[] { "model", "stream", "stream_options", "messages", "top_p", "stop" }));
    }

    [Test]
    public async Task Another_model_is_not_affected()
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Fail(400, ScriptedUpstreamReply.Error("Unsupported value", "unsupported_value", param: "temperature"));
        using var client = Completion.Bare(Completion.Options(upstream));
        await Completion.ReadAsync(client, new ChatOptions { Temperature = 0.5f });
        await Completion.ReadAsync(client, new ChatOptions { Temperature = 0.5f, ModelId = "another" });
        Assert.That(Fields(upstream.Calls[2]), Does.Contain("temperature"));
    }

    [TestCase("max_tokens is too large: 5000. This model supports at most 4096 completion tokens.", "max_tokens", "invalid_value")]
    [TestCase("Unsupported parameter: 'functions'.", "functions", "unsupported_parameter")]
    [TestCase("temperature must be at most 2.", "temperature", null)]
    public async Task A_refusal_for_another_reason_is_final(string message, string param, string? code)
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Fail(400, ScriptedUpstreamReply.Error(message, code, param: param));
        using var client = Completion.Bare(Completion.Options(upstream));
        Assert.That((await Completion.ReadAsync(client, All)).Failure!.Code, Is.EqualTo("upstream_error"));
    }

    [Test]
    public async Task An_upstream_that_refuses_everything_is_not_asked_for_ever()
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Default = _ => ScriptedUpstreamReply.Status(400, ScriptedUpstreamReply.Error(
            "Unsupported: max_tokens max_completion_tokens temperature top_p stop stream_options"));
        using var client = Completion.Bare(Completion.Options(upstream));
        Assert.That((await Completion.ReadAsync(client, All)).Failure!.Code, Is.EqualTo("upstream_error"));
        Assert.That(upstream.Calls, Has.Count.LessThan(10));
    }

    private static IEnumerable<string> Fields(ScriptedUpstreamCall call) => call.Json.EnumerateObject().Select(property => property.Name);
}
