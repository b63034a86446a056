using System.Globalization;
using System.Net;
using ChatApi.Application.Errors;
using ChatApi.Application.Limits;
using ChatApi.Infrastructure.Limits;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace ChatApi.Tests.Application.Limits;

/// <summary>Whom a limit is held against.</summary>
public sealed class RateLimitsTests
{
    private static readonly LimitOptions Off = new(0, 0, 0, 0, 0, 0, 0);
    private static readonly IPAddress Here = Address(1);

    [Test]
    public async Task Many_users_of_one_address_are_held_against_it_but_not_those_of_a_proxy_on_this_machine()
    {
        var limits = With(Off with { RequestsPerMinute = 2, AddressRequestsPerMinute = 20 });
        for (var user = 0; user < 20; user++)
            await limits.TakeRequestAsync(new(Guid.NewGuid(), Here));
        AssertRefused(() => limits.TakeRequestAsync(new(Guid.NewGuid(), Here)));

        await limits.TakeRequestAsync(new(Guid.NewGuid(), Address(2)));
        for (var user = 0; user < 100; user++)
            await limits.TakeRequestAsync(new(Guid.NewGuid(), IPAddress.IPv6Loopback));
    }

    [TestCase("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true, TestName = "One customer has a whole /64 network")]
    [TestCase("2001:db8:1:2::1", "2001:db8:1:3::1", false, TestName = "Another /64 network is somebody else's")]
    [TestCase("203.0.113.9", "::ffff:203.0.113.9", true, TestName = "An address is the same in either family")]
    [TestCase("203.0.113.9", "203.0.113.10", false, TestName = "Another address is somebody else's")]
    public async Task Nobody_is_counted_by_another_address(string first, string second, bool isSame)
    {
        var limits = With(Off with { RequestsPerMinute = 1 });
        await limits.TakeRequestAsync(new(null, IPAddress.Parse(first)));
        if (isSame)
            AssertRefused(() => limits.TakeRequestAsync(new(null, IPAddress.Parse(second))));
        else
            await limits.TakeRequestAsync(new(null, IPAddress.Parse(second)));
    }

    [Test]
    public async Task Whoever_knows_only_the_address_of_an_account_cannot_lock_its_owner_out()
    {
        var limits = With(Off with { SignInsPerMinute = 3 });
        for (var attempt = 0; attempt < 500; attempt++)
        {
            try
            {
                await limits.TakeSignInAsync(new(null, Address(attempt % 100)), "ana@example.com");
                await limits.NoteFailedSignInAsync("ana@example.com");
            }
            catch (RateLimitedException)
            {
                // What the attack is to get.
            }
        }

        var owner = Address(200);
        await limits.TakeSignInAsync(new(null, owner), "ana@example.com");
        AssertRefused(() => limits.TakeSignInAsync(new(null, owner), "ana@example.com"));
        await limits.TakeSignInAsync(new(null, owner), "eva@example.com");
    }

    [Test]
    public async Task An_attack_from_many_addresses_has_one_attempt_each()
    {
        var limits = With(Off with { SignInsPerMinute = 3 });
        var attempts = 0;
        for (var attempt = 0; attempt < 1000; attempt++)
        {
            try
            {
                await limits.TakeSignInAsync(new(null, Address(attempt % 200)), "ana@example.com");
                await limits.NoteFailedSignInAsync("ana@example.com");
                attempts++;
            }
            catch (RateLimitedException)
            {
            }
        }

        Assert.That(attempts, Is.InRange(200, 30 + 200), "and not 600");
    }

    [Test]
    public async Task A_process_makes_so_many_replies_and_no_more_whoever_asks()
    {
        var limits = With(Off with { RunsPerProcess = 2 });
        var holds = new[] { await limits.TakeTurnAsync(new(Guid.NewGuid(), Here)), await limits.TakeTurnAsync(new(Guid.NewGuid(), Here)) };
        AssertRefused(() => TakeTurnAsync());
        holds[0].Release(0);
        await TakeTurnAsync();

        async ValueTask TakeTurnAsync() => await limits.TakeTurnAsync(new(Guid.NewGuid(), Here));
    }

    private static RateLimits With(LimitOptions options)
    {
        var time = new FakeTimeProvider();
        return new(options, new LocalLimitStore(time), null!, time);
    }

    private static void AssertRefused(Func<ValueTask> act) =>
        Assert.That(
            async () => await act(),
            Throws.TypeOf<RateLimitedException>().With.Property(nameof(RateLimitedException.RetryAfter)).InRange(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)));

    private static IPAddress Address(int last) => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"203.0.113.{last}"));
}
