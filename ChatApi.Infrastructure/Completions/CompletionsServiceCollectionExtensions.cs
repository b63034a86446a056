using ChatApi.Application.Abstractions;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace ChatApi.Infrastructure.Completions;

/// <summary>Registers the model that replies.</summary>
internal static class CompletionsServiceCollectionExtensions
{
    public static IServiceCollection AddCompletions(this IServiceCollection services, CompletionOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<ITokenCounter, TiktokenCounter>();
        return options.Provider == CompletionProvider.Demo
            ? services.AddSingleton<IChatClient>(provider => new PooledChatClient(new DemoChatClient(
                provider.GetRequiredService<ITokenCounter>(), options.DemoWordDelay, provider.GetRequiredService<TimeProvider>())))
            : services.AddSingleton(provider => Upstream(
                options, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<RetryingChatClient>>()));
    }

    /// <summary>For the start-up banner: no host, no key. What is not chosen by the settings says itself what it is.</summary>
    public static string DescribeModel(this IServiceProvider services)
    {
        var model = services.GetRequiredService<IChatClient>();
        if (model.GetService<OpenAIChatClient>() is not null || model.GetService<DemoChatClient>() is not null)
            return services.GetRequiredService<CompletionOptions>().Describe();
        var about = model.GetService<ChatClientMetadata>();
        return $"{about?.ProviderName ?? "a client of one's own"} ({about?.DefaultModelId ?? "it does not say which"})";
    }

    /// <summary>
    /// Time is limited outside of the retries: a person waits for a reply, not for a try. So the limit for the first content
    /// covers all tries and the waits between them, and what it cuts off is not tried again.
    /// </summary>
    internal static IChatClient Upstream(CompletionOptions options, TimeProvider timeProvider, ILogger<RetryingChatClient> logger)
    {
        IChatClient client = new OpenAIChatClient(options, UpstreamConnection.CreateHttpClient(options), timeProvider);
        client = new RetryingChatClient(client, options.MaxRetries, timeProvider, logger);
        return new TimeLimitedChatClient(client, options, timeProvider);
    }
}
