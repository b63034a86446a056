using ChatApi.Application.Abstractions;
using ChatApi.Infrastructure.Completions;
using ChatApi.Tests.Support;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

public sealed class CompletionsRegistrationTests
{
    [Test]
    public async Task Each_provider_can_be_registered_and_replies()
    {
        await using var upstream = ScriptedUpstream.Start();
        foreach (var provider in Enum.GetValues<CompletionProvider>())
        {
            var options = new CompletionOptions
            {
                Provider = provider,
                Model = "the-model",
                Endpoint = provider == CompletionProvider.AzureOpenAI ? upstream.Address : new Uri(upstream.BaseUrl),
                ApiKey = Completion.Key,
                DemoWordDelay = TimeSpan.Zero,
            };
            await using var services = new ServiceCollection().AddLogging().AddCompletions(options).BuildServiceProvider();

            var client = services.GetRequiredService<IChatClient>();
            var completion = await Completion.ReadAsync(client);

            Assert.That(completion.FinishReason, Is.EqualTo(ChatFinishReason.Stop), $"{provider}");
            Assert.That(services.GetRequiredService<ITokenCounter>().Count("hello"), Is.EqualTo(1));
            Assert.That(services.GetRequiredService<IChatClient>(), Is.SameAs(client));
        }

        Assert.That(upstream.Calls, Has.Count.EqualTo(3));
    }

    [Test]
    public void Azure_without_a_key_needs_none_to_start()
    {
        var options = new CompletionOptions { Provider = CompletionProvider.AzureOpenAI, Endpoint = new Uri("https://example.invalid"), Model = "chat" };
        using var services = new ServiceCollection().AddLogging().AddCompletions(options).BuildServiceProvider();
        Assert.That(services.GetRequiredService<IChatClient>().GetService<ChatClientMetadata>()!.DefaultModelId, Is.EqualTo("chat"));
    }
}
