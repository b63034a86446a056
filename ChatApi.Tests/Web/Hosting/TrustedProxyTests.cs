using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Hosting;

/// <summary>
/// Limits by address count the address that is real: directly, and behind a real nginx. Each client of a test has a loopback
/// address of its own.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class TrustedProxyTests
{
    private const int Allowed = 3;

    [TestCase(null, null)]
    [TestCase("127.0.0.1", null)]
    [TestCase("192.0.2.0/24,2001:db8::/32", null)]
    [TestCase(null, "true")]
    [TestCase("192.0.2.1", "true")]
    public async Task Who_names_other_addresses_directly_is_counted_all_the_same(string? trusted, string? believeAll)
    {
        await using var server = await ServeAsync(trusted, believeAll);
        using var client = From("127.0.0.2", server.Address);

        Assert.That(await SignInAsync(client, Allowed + 1, attempt => $"203.0.113.{attempt}"), Is.EqualTo(Refused()));
        Assert.That(server.Output.Contains("ASPNETCORE_FORWARDEDHEADERS_ENABLED", StringComparison.Ordinal), Is.EqualTo(believeAll is not null));
    }

    [Test]
    public async Task Behind_nginx_each_client_has_its_own_count_and_cannot_pass_for_another()
    {
        await using var server = await ServeAsync("127.0.0.1");
        await using var nginx = await NginxServer.StartAsync([server.Address]);
        using var one = From("127.0.0.2", nginx.Address);
        using var two = From("127.0.0.3", nginx.Address);

        Assert.That(await SignInAsync(one, Allowed + 1, attempt => $"203.0.113.{attempt}"), Is.EqualTo(Refused()));
        Assert.That(await SignInAsync(two, Allowed, _ => "127.0.0.2"), Is.All.EqualTo(HttpStatusCode.Unauthorized), "Another client, who says that it is the first.");
        Assert.That(await SignInAsync(one, 1, _ => null), Is.EqualTo(new[] { HttpStatusCode.TooManyRequests }));
    }

    [Test]
    public async Task Behind_a_proxy_that_is_not_named_all_are_one()
    {
        await using var server = await ServeAsync(null);
        await using var nginx = await NginxServer.StartAsync([server.Address]);
        using var one = From("127.0.0.2", nginx.Address);
        using var two = From("127.0.0.3", nginx.Address);

        Assert.That(await SignInAsync(one, Allowed, _ => null), Is.All.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(await SignInAsync(two, 1, _ => null), Is.EqualTo(new[] { HttpStatusCode.TooManyRequests }));
    }

    [Test]
    public async Task Of_a_chain_of_proxies_the_first_address_that_none_of_them_has_is_the_clients()
    {
        await using var server = await ServeAsync("127.0.0.0/30,192.0.2.0/24");
        using var proxy = From("127.0.0.2", server.Address);

        var statuses = await SignInAsync(proxy, Allowed + 1, attempt => $"10.9.8.{attempt}, 203.0.113.7, 192.0.2.{attempt}");

        Assert.That(statuses, Is.EqualTo(Refused()));
        Assert.That(await SignInAsync(proxy, 1, _ => "203.0.113.8, 192.0.2.1"), Is.EqualTo(new[] { HttpStatusCode.Unauthorized }));
    }

    [Test]
    public async Task All_addresses_of_one_IPv6_network_are_one()
    {
        await using var server = await ServeAsync("127.0.0.1");
        using var proxy = From("127.0.0.1", server.Address);

        Assert.That(await SignInAsync(proxy, Allowed + 1, attempt => $"2001:db8:0:7:{attempt}::1"), Is.EqualTo(Refused()));
        Assert.That(await SignInAsync(proxy, 1, _ => "2001:db8:0:8::1"), Is.EqualTo(new[] { HttpStatusCode.Unauthorized }));
    }

    [TestCase("unknown")]
    [TestCase("' OR 1=1 --")]
    [TestCase(",,,")]
    [TestCase("127.0.0.1:99999")]
    public async Task A_proxy_that_writes_nonsense_harms_nobody(string forwarded)
    {
        await using var server = await ServeAsync("127.0.0.1");
        using var proxy = From("127.0.0.1", server.Address);

        Assert.That(await SignInAsync(proxy, 1, _ => forwarded), Is.EqualTo(new[] { HttpStatusCode.Unauthorized }));
    }

    [TestCase("127.0.0.1", true)]
    [TestCase(null, false)]
    public async Task Https_before_the_proxy_is_believed_of_the_proxy_alone(string? trusted, bool isBelieved)
    {
        await using var server = await ServeAsync(trusted);
        using var proxy = From("127.0.0.1", server.Address);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/health/live");
        request.Headers.Host = "chat.example.com";
        request.Headers.Add("X-Forwarded-Proto", "https");

        using var answer = await proxy.SendAsync(request);

        Assert.That(answer.Headers.Contains("Strict-Transport-Security"), Is.EqualTo(isBelieved));
    }

    private static IEnumerable<HttpStatusCode> Refused() =>
        [.. Enumerable.Repeat(HttpStatusCode.Unauthorized, Allowed), HttpStatusCode.TooManyRequests];

    private static Task<ChatApiProcess> ServeAsync(string? trusted, string? believeAll = null) => ChatApiProcess.StartAsync(new Dictionary<string, string?>
    {
        ["ASPNETCORE_ENVIRONMENT"] = "Production",
        ["JWT_SECRET_KEY"] = TestTokens.Key,
        ["TRUSTED_PROXIES"] = trusted,
        ["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = believeAll,
        ["CHAT_LIMIT_SIGN_INS_PER_MINUTE"] = $"{Allowed}",
    });

    private static HttpClient From(string address, Uri server) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
            await socket.ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = server };

    /// <summary>Attempts for a new account each, so that only the address counts.</summary>
    private static async Task<List<HttpStatusCode>> SignInAsync(HttpClient client, int attempts, Func<int, string?> forwarded)
    {
        var statuses = new List<HttpStatusCode>();
        for (var attempt = 1; attempt <= attempts; attempt++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/auth/login")
            {
                Content = JsonContent.Create(new { email = $"{Guid.NewGuid():N}@example.com", password = "canary-password" }, new MediaTypeHeaderValue("application/json")),
            };
            if (forwarded(attempt) is { } value)
                request.Headers.TryAddWithoutValidation("X-Forwarded-For", value);
            using var answer = await client.SendAsync(request);
            statuses.Add(answer.StatusCode);
        }

        return statuses;
    }
}
