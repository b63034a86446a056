using ChatApi.Application.Accounts;
using ChatApi.Application.Configuration;
using ChatApi.Tests.Support;
using ChatApi.Web.Authentication;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Accounts;

/// <summary>When the project's public keys are fetched: over real sockets, by a clock of the test's.</summary>
public sealed class SupabaseKeysTests
{
    private static readonly TimeSpan AMoment = TimeSpan.FromMilliseconds(1);

    private readonly FakeTimeProvider _time = new();
    private SupabaseAuthServer _supabase = null!;
    private SupabaseKeys _keys = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _supabase = await SupabaseAuthServer.StartAsync();
        var settings = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["SUPABASE_URL"] = _supabase.Url,
            ["SUPABASE_KEY"] = SupabaseAuthServer.ApiKey,
        }).Build();
        _keys = new(SupabaseOptions.Read(new Settings(settings))!, SupabaseKeys.CreateHttpClient(), _time, NullLogger<SupabaseKeys>.Instance);
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _keys.StopAsync(CancellationToken.None);
        _keys.Dispose();
        await _supabase.DisposeAsync();
    }

    [Test]
    public async Task An_endpoint_that_is_away_at_first_is_asked_again_after_five_seconds()
    {
        _supabase.IsAway = true;
        Assert.That(await IsKnownAsync("key-1"), Is.False);
        _supabase.IsAway = false;
        Assert.That(await IsKnownAsync("key-1"), Is.False, "It was asked a moment ago.");
        _time.Advance(SupabaseKeys.FirstAnswerInterval);
        Assert.That(await IsKnownAsync("key-1"), Is.True);
    }

    [Test]
    public async Task New_keys_are_looked_for_every_thirty_seconds_at_most()
    {
        Assert.That(await IsKnownAsync("key-1"), Is.True);
        _supabase.AddKey("key-2");
        Assert.That(await IsKnownAsync("key-2"), Is.True, "The first answer is no refresh.");
        _supabase.AddKey("key-3");
        Assert.That(await IsKnownAsync("key-3"), Is.False);
        _time.Advance(SupabaseKeys.RefreshInterval - AMoment);
        Assert.That(await IsKnownAsync("key-3"), Is.False);
        _time.Advance(AMoment);
        Assert.That(await IsKnownAsync("key-3"), Is.True);
        Assert.That(_supabase.KeyRequests, Is.EqualTo(3));
    }

    [Test]
    public async Task What_is_known_stays_good_while_the_endpoint_is_away()
    {
        Assert.That(await IsKnownAsync("key-1"), Is.True);
        _supabase.IsAway = true;
        for (var hour = 0; hour < 3; hour++)
        {
            _time.Advance(TimeSpan.FromHours(1));
            Assert.That(await IsKnownAsync("key-1"), Is.True);
            Assert.That(await IsKnownAsync("key-2"), Is.False);
        }
    }

    [Test]
    public async Task A_key_that_is_revoked_is_forgotten()
    {
        Assert.That(await IsKnownAsync("key-1"), Is.True);
        _supabase.RemoveKey("key-1");
        _supabase.AddKey("key-2");
        _time.Advance(SupabaseKeys.MaxAge);
        Assert.That(await IsKnownAsync("key-1"), Is.True, "Nobody waits for what is fetched in the background.");
        await Poll.UntilAsync(async () => !await IsKnownAsync("key-1"), "the new keys");
        Assert.That(await IsKnownAsync("key-2"), Is.True);
    }

    [Test]
    public async Task An_endpoint_that_is_slow_holds_nobody_up_for_more_than_five_seconds()
    {
        _supabase.Gate = Task.Delay(Timeout.Infinite);
        var waiting = Enumerable.Range(0, 100).Select(_ => _keys.PrepareAsync("key-1", CancellationToken.None)).ToArray();
        var all = Task.WhenAll(waiting);
        Assert.That(all.IsCompleted, Is.False);
        await Poll.UntilAsync(
            () =>
            {
                _time.Advance(SupabaseKeys.FetchTimeout);
                return all.IsCompleted;
            }, "an end");
        Assert.That(_keys.Find("key-1", "ES256"), Is.Null);
        _supabase.Gate = Task.CompletedTask;
        _time.Advance(SupabaseKeys.FirstAnswerInterval);
        Assert.That(await IsKnownAsync("key-1"), Is.True);
    }

    private async Task<bool> IsKnownAsync(string id)
    {
        await _keys.PrepareAsync(id, CancellationToken.None);
        return _keys.Find(id, "ES256") is not null;
    }
}
