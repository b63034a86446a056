using ChatApi.Application.Configuration;
using ChatApi.Infrastructure.Completions;
using Microsoft.Extensions.Configuration;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

public sealed class CompletionOptionsTests
{
    [TestCase("", "demo assistant (set OPENAI_API_KEY for a real model)")]
    [TestCase("OPENAI_MODEL=gpt-5", "demo assistant (set OPENAI_API_KEY for a real model)")]
    [TestCase("OPENAI_API_KEY= ", "demo assistant (set OPENAI_API_KEY for a real model)")]
    [TestCase("OPENAI_API_KEY=secret", "OpenAI (gpt-4o-mini)")]
    [TestCase("OPENAI_API_KEY=secret;OPENAI_MODEL=gpt-5", "OpenAI (gpt-5)")]
    [TestCase("OPENAI_BASE_URL=http://secret:11434/v1;OPENAI_MODEL=llama3", "OpenAI-compatible server (llama3)")]
    [TestCase("OPENAI_BASE_URL=http://secret:11434/v1;OPENAI_API_KEY=secret", "OpenAI-compatible server (gpt-4o-mini)")]
    [TestCase("AZURE_OPENAI_ENDPOINT=https://secret;AZURE_OPENAI_DEPLOYMENT=chat", "Azure OpenAI (chat)")]
    [TestCase("AZURE_OPENAI_ENDPOINT=https://secret;AZURE_OPENAI_DEPLOYMENT=chat;AZURE_OPENAI_API_KEY=secret;OPENAI_API_KEY=secret", "Azure OpenAI (chat)")]
    public void The_provider_is_chosen_by_what_is_set_and_described_without_secrets(string settings, string description)
    {
        var options = Read(settings);
        Assert.That(options.Describe(), Is.EqualTo(description));
        Assert.That(options.ToString(), Does.Not.Contain("secret"));
    }

    [TestCase("AZURE_OPENAI_ENDPOINT=https://secret", "AZURE_OPENAI_ENDPOINT is set, but AZURE_OPENAI_DEPLOYMENT is missing.")]
    [TestCase("AZURE_OPENAI_ENDPOINT=https://secret;AZURE_OPENAI_API_KEY=secret", "AZURE_OPENAI_ENDPOINT is set, but AZURE_OPENAI_DEPLOYMENT is missing.")]
    [TestCase("AZURE_OPENAI_DEPLOYMENT=secret", "AZURE_OPENAI_DEPLOYMENT is set, but AZURE_OPENAI_ENDPOINT is missing.")]
    [TestCase("AZURE_OPENAI_DEPLOYMENT=secret;AZURE_OPENAI_API_KEY=secret", "AZURE_OPENAI_DEPLOYMENT is set, but AZURE_OPENAI_ENDPOINT is missing.")]
    [TestCase("AZURE_OPENAI_API_KEY=secret", "AZURE_OPENAI_API_KEY is set, but AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_DEPLOYMENT are missing.")]
    [TestCase("AZURE_OPENAI_API_KEY=secret;OPENAI_API_KEY=secret", "AZURE_OPENAI_API_KEY is set, but AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_DEPLOYMENT are missing.")]
    [TestCase("OPENAI_BASE_URL=secret", "OPENAI_BASE_URL must be an absolute http or https address.")]
    [TestCase("OPENAI_API_KEY=secreté", "OPENAI_API_KEY must consist of visible ASCII characters.")]
    [TestCase("OPENAI_API_KEY=sec ret", "OPENAI_API_KEY must consist of visible ASCII characters.")]
    [TestCase("DEMO_WORD_DELAY_MS=1001", "DEMO_WORD_DELAY_MS must be a whole number from 0 to 1000.")]
    [TestCase("UPSTREAM_MAX_RETRIES=-1", "UPSTREAM_MAX_RETRIES must be a whole number from 0 to 10.")]
    [TestCase("UPSTREAM_IDLE_TIMEOUT_SECONDS=0", "UPSTREAM_IDLE_TIMEOUT_SECONDS must be a number from 0.1 to 3600.")]
    public void What_cannot_work_is_refused_in_one_sentence_without_the_value(string settings, string sentence)
    {
        Assert.That(() => Read(settings), Throws.TypeOf<ConfigurationException>().With.Message.EqualTo(sentence));
    }

    [Test]
    public void The_limits_have_defaults_and_can_be_set()
    {
        var defaults = Read("");
        var set = Read("UPSTREAM_CONNECT_TIMEOUT_SECONDS=1;UPSTREAM_FIRST_CONTENT_TIMEOUT_SECONDS=2;UPSTREAM_IDLE_TIMEOUT_SECONDS=2.5;"
            + "UPSTREAM_TOTAL_TIMEOUT_SECONDS=4;UPSTREAM_MAX_RETRIES=0;DEMO_WORD_DELAY_MS=0");
        Assert.Multiple(() =>
        {
            Assert.That(Seconds(defaults), Is.EqualTo(new[] { 10, 60, 60, 900, 3, 0.045 }));
            Assert.That(Seconds(set), Is.EqualTo(new[] { 1, 2, 2.5, 4, 0, 0 }));
            Assert.That(Seconds(new CompletionOptions()), Is.EqualTo(Seconds(defaults)));
        });
    }

    private static double[] Seconds(CompletionOptions options) =>
    [
        options.ConnectTimeout.TotalSeconds,
        options.FirstContentTimeout.TotalSeconds,
        options.IdleTimeout.TotalSeconds,
        options.TotalTimeout.TotalSeconds,
        options.MaxRetries,
        options.DemoWordDelay.TotalSeconds,
    ];

    private static CompletionOptions Read(string settings) => CompletionOptions.Read(new Settings(new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(setting => setting.Split('=', 2))
            .Select(pair => KeyValuePair.Create(pair[0], (string?)pair[1])))
        .Build()));
}
