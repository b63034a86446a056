using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Accounts;
using ChatApi.Application.Errors;

namespace ChatApi.Infrastructure.Identity;

/// <summary>Accounts in Supabase Auth: it knows the passwords and signs the tokens, which are passed on as they are.</summary>
internal sealed class SupabaseIdentityProvider(SupabaseOptions supabase, HttpClient http, SupabaseRefusals refusals) : IIdentityProvider
{
    /// <summary>A sign-in takes well under a second; who waits longer would rather be told.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>Connections are shared by all sign-ins, and renewed in time to follow a change of address.</summary>
    public static HttpClient CreateHttpClient() => new(new SocketsHttpHandler
    {
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        AllowAutoRedirect = false,
        UseCookies = false,
    })
    {
        Timeout = Timeout,
        MaxResponseContentBufferSize = 1024 * 1024,
    };

    public async Task<SignedIn> RegisterAsync(string email, string password, string name, CancellationToken cancellationToken)
    {
        var answer = await PostAsync("signup", new { email, password, data = new { name } }, cancellationToken);
        if (answer.Status != HttpStatusCode.OK)
            throw refusals.OfRegistering(answer);
        if (SupabaseSession.Read(answer.Body) is { } session)
            return session;

        // No session: either the address is to be confirmed first, or it is somebody's already, which Supabase hides behind
        // an invented account that nobody can sign in to.
        if (!SupabaseSession.IsUser(answer.Body, out var isInvented))
            throw refusals.OfNonsense(answer);
        throw isInvented ? SupabaseRefusals.OfTakenAddress() : new EmailNotConfirmedException();
    }

    public async Task<SignedIn> LoginAsync(string email, string password, CancellationToken cancellationToken)
    {
        var answer = await PostAsync("token?grant_type=password", new { email, password }, cancellationToken);
        if (answer.Status != HttpStatusCode.OK)
            throw refusals.OfSigningIn(answer);
        return SupabaseSession.Read(answer.Body) ?? throw refusals.OfNonsense(answer);
    }

    private async Task<SupabaseAnswer> PostAsync<TBody>(string call, TBody body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{supabase.Issuer}/{call}")
        {
            Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body)),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("apikey", supabase.ApiKey);
        try
        {
            using var response = await http.SendAsync(request, cancellationToken);
            var text = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            return new(response.StatusCode, SupabaseAnswer.Parse(text), response.Headers.RetryAfter);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException
            || exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw SupabaseRefusals.Unavailable(exception);
        }
    }
}
