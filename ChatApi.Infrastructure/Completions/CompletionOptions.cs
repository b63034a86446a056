using ChatApi.Application.Configuration;

namespace ChatApi.Infrastructure.Completions;

/// <summary>Who makes the replies.</summary>
internal enum CompletionProvider
{
    Demo,
    OpenAI,
    OpenAICompatible,
    AzureOpenAI,
}

/// <summary>Which model answers, and how long it may take. Not a record: its text would hold the key.</summary>
internal sealed class CompletionOptions
{
    /// <summary>Azure wins over OpenAI, OpenAI over the demo assistant.</summary>
    public CompletionProvider Provider { get; init; } = CompletionProvider.Demo;

    /// <summary>The model, or the deployment on Azure.</summary>
    public string Model { get; init; } = "demo";

    /// <summary>Null for OpenAI's own.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Secret. Null: none is needed, or Entra ID on Azure.</summary>
    public string? ApiKey { get; init; }

    /// <summary>For the connection to stand; 10 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>From the request to the first content, tries and waits in between included; 60 s.</summary>
    public TimeSpan FirstContentTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>From one piece of content to the next; 60 s.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>For the whole reply; 15 min.</summary>
    public TimeSpan TotalTimeout { get; init; } = TimeSpan.FromSeconds(900);

    /// <summary>Further tries after a refusal, before the first content; 3.</summary>
    public int MaxRetries { get; init; } = 3;

    /// <summary>How slowly the demo assistant speaks; 45 ms a word.</summary>
    public TimeSpan DemoWordDelay { get; init; } = TimeSpan.FromMilliseconds(45);

    /// <summary>For the start-up banner: no host, no key.</summary>
    public string Describe() => Provider switch
    {
        CompletionProvider.AzureOpenAI => $"Azure OpenAI ({Model})",
        CompletionProvider.OpenAI => $"OpenAI ({Model})",
        CompletionProvider.OpenAICompatible => $"OpenAI-compatible server ({Model})",
        _ => "demo assistant (set OPENAI_API_KEY for a real model)",
    };

    /// <exception cref="ConfigurationException">A group is half-filled, or a value is out of its range.</exception>
    public static CompletionOptions Read(Settings settings)
    {
        var (provider, model, endpoint, key) = Choose(settings);
        return new CompletionOptions
        {
            Provider = provider,
            Model = model,
            Endpoint = endpoint,
            ApiKey = key,
            ConnectTimeout = settings.Seconds("UPSTREAM_CONNECT_TIMEOUT_SECONDS", 10, 0.1, 300),
            FirstContentTimeout = settings.Seconds("UPSTREAM_FIRST_CONTENT_TIMEOUT_SECONDS", 60, 0.1, 3600),
            IdleTimeout = settings.Seconds("UPSTREAM_IDLE_TIMEOUT_SECONDS", 60, 0.1, 3600),
            TotalTimeout = settings.Seconds("UPSTREAM_TOTAL_TIMEOUT_SECONDS", 900, 0.1, 86400),
            MaxRetries = settings.Integer("UPSTREAM_MAX_RETRIES", 3, 0, 10),
            DemoWordDelay = TimeSpan.FromMilliseconds(settings.Integer("DEMO_WORD_DELAY_MS", 45, 0, 1000)),
        };
    }

    private static (CompletionProvider Provider, string Model, Uri? Endpoint, string? Key) Choose(Settings settings)
    {
        if (ReadAzure(settings) is { } azure)
            return azure;

        var key = Key(settings, "OPENAI_API_KEY");
        var endpoint = settings.HttpUri("OPENAI_BASE_URL");
        var model = settings.Text("OPENAI_MODEL") ?? "gpt-4o-mini";
        return (key, endpoint) switch
        {
            (_, not null) => (CompletionProvider.OpenAICompatible, model, endpoint, key),
            (not null, null) => (CompletionProvider.OpenAI, model, null, key),
            _ => (CompletionProvider.Demo, "demo", null, null),
        };
    }

    private static (CompletionProvider Provider, string Model, Uri? Endpoint, string? Key)? ReadAzure(Settings settings)
    {
        const string EndpointName = "AZURE_OPENAI_ENDPOINT", KeyName = "AZURE_OPENAI_API_KEY", DeploymentName = "AZURE_OPENAI_DEPLOYMENT";
        var endpoint = settings.HttpUri(EndpointName);
        var key = Key(settings, KeyName);
        var deployment = settings.Text(DeploymentName);
        if (endpoint is null && key is null && deployment is null)
            return null;
        if (endpoint is not null && deployment is not null)
            return (CompletionProvider.AzureOpenAI, deployment, endpoint, key);

        var present = endpoint is not null ? EndpointName : deployment is not null ? DeploymentName : KeyName;
        throw new ConfigurationException((endpoint, deployment) switch
        {
            (null, null) => $"{present} is set, but {EndpointName} and {DeploymentName} are missing.",
            (null, _) => $"{present} is set, but {EndpointName} is missing.",
            _ => $"{present} is set, but {DeploymentName} is missing.",
        });
    }

    /// <summary>A key travels in a header: what cannot would fail at every call, and not say why.</summary>
    private static string? Key(Settings settings, string name)
    {
        var key = settings.Text(name);
        return key is null || key.All(character => character is > ' ' and < '\x7f')
            ? key
            : throw new ConfigurationException($"{name} must consist of visible ASCII characters.");
    }
}
