using ChatApi.Application.Abstractions;
using ChatApi.Application.Limits;
using ChatApi.Infrastructure.Limits;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Limits;

/// <summary>What is counted in the process.</summary>
public sealed class LocalLimitStoreTests
{
    private static readonly DateOnly Day = new(2026, 2, 3);
    private static readonly Policy Requests = new("requests", PolicyKind.Window, 10, "Too many.");
    private static readonly Policy Runs = new("runs", PolicyKind.Places, 2, "Too many.");
    private static readonly Policy Tokens = new("tokens", PolicyKind.Tokens, 1000, "Used up.");

    private FakeTimeProvider _time = null!;
    private LocalLimitStore _store = null!;

    [SetUp]
    public void SetUp()
    {
        _time = new();
        _store = new(_time);
    }

    [Test]
    public async Task A_million_random_keys_do_not_grow_it_and_do_not_free_whom_it_refuses()
    {
        var refused = Guid.NewGuid();
        await TakeAsync(new Meter(Requests, refused, 10));
        await TakeAsync(new Meter(Requests, Guid.NewGuid(), 1));
        var before = GC.GetTotalMemory(forceFullCollection: true);

        for (var key = 0; key < 1_000_000; key++)
            await TakeAsync(new Meter(Requests, Guid.NewGuid(), 1));

        Assert.That(GC.GetTotalMemory(forceFullCollection: true) - before, Is.LessThan(1024 * 1024));
        Assert.That(await TakeAsync(new Meter(Requests, refused, 1)), Is.EqualTo(Taking.Refused));
    }

    [Test]
    public async Task A_million_users_who_have_used_tokens_do_not_grow_it_without_end()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var user = 0; user < 1_000_000; user++)
            await UseAsync(Guid.NewGuid(), 10);

        // A million would take 70 MB at least.
        Assert.That(GC.GetTotalMemory(forceFullCollection: true) - before, Is.LessThan(20 * 1024 * 1024));
        GC.KeepAlive(_store);
    }

    [Test]
    public async Task Who_waits_as_long_as_was_said_is_let_in_and_who_comes_earlier_is_not()
    {
        var user = Guid.NewGuid();
        await TakeAsync(new Meter(Requests, user, 1));
        _time.Advance(TimeSpan.FromSeconds(12.5));
        await TakeAsync(new Meter(Requests, user, 9));

        var refused = new Meter(Requests, user, 1);
        Assert.That(await TakeAsync(refused), Is.EqualTo(Taking.Refused));
        Assert.That(refused.Rest, Is.EqualTo(TimeSpan.FromSeconds(47.5)));
        _time.Advance(refused.Rest - TimeSpan.FromMilliseconds(1));
        Assert.That(await TakeAsync(new Meter(Requests, user, 1)), Is.EqualTo(Taking.Refused));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That(await TakeAsync(new Meter(Requests, user, 1)), Is.EqualTo(Taking.Given));
    }

    [Test]
    public async Task Where_one_thing_is_refused_nothing_is_counted()
    {
        var user = Guid.NewGuid();
        for (var run = 0; run < 2; run++)
            Assert.That(await TakeAsync(NewHold(user), new Meter(Requests, user, 1), new Meter(Runs, user, 1)), Is.EqualTo(Taking.Given));
        var hold = NewHold(user);
        Assert.That(await TakeAsync(hold, new Meter(Requests, user, 1), new Meter(Runs, user, 1)), Is.EqualTo(Taking.Refused));
        Assert.That(hold.HasPlace, Is.False);

        var look = new Meter(Requests, user, 0);
        await TakeAsync(look);
        Assert.That(look.Used, Is.EqualTo(2));
    }

    [Test]
    public async Task A_hold_is_given_back_once()
    {
        var user = Guid.NewGuid();
        var holds = new[] { NewHold(user), NewHold(user) };
        foreach (var hold in holds)
            await TakeAsync(hold, new Meter(Runs, user, 1));
        holds[0].Release(0);
        holds[0].Release(0);

        var look = new Meter(Runs, user, 0);
        await TakeAsync(look);
        Assert.That(look.Used, Is.EqualTo(1));
    }

    [Test]
    public async Task What_is_reserved_is_not_given_twice_and_what_was_not_used_comes_back()
    {
        var user = Guid.NewGuid();
        Assert.That(await TakeAsync(NewHold(user), new Meter(Tokens, user, 400)), Is.EqualTo(Taking.Unknown), "of a user it has not seen");
        var first = NewHold(user);
        Assert.That(await _store.TakeAsync([new Meter(Tokens, user, 400)], first, Day, 300), Is.EqualTo(Taking.Given));
        Assert.That(await TakeAsync(NewHold(user), new Meter(Tokens, user, 400)), Is.EqualTo(Taking.Refused));
        Assert.That(await TakeAsync(NewHold(user), new Meter(Tokens, user, 300)), Is.EqualTo(Taking.Given));

        first.Release(50);
        var look = new Meter(Tokens, user, 0);
        await TakeAsync(look);
        Assert.That((look.Used, look.Reserved), Is.EqualTo((350, 300)));
    }

    [Test]
    public async Task Between_replies_the_database_is_asked_again_and_what_is_deleted_there_counts_all_the_same()
    {
        var user = Guid.NewGuid();
        await UseAsync(user, 500);

        var other = new Meter(Tokens, user, 0);
        Assert.That(await _store.TakeAsync([other], null, Day, 900), Is.EqualTo(Taking.Given));
        Assert.That(other.Used, Is.EqualTo(900), "Another process has used some.");
        var deleted = new Meter(Tokens, user, 0);
        Assert.That(await TakeAsync(deleted), Is.EqualTo(Taking.Unknown));
        await _store.TakeAsync([deleted], null, Day, 0);
        Assert.That(deleted.Used, Is.EqualTo(900));
    }

    private async Task UseAsync(Guid user, int tokens)
    {
        var hold = NewHold(user);
        Assert.That(await _store.TakeAsync([new Meter(Tokens, user, tokens)], hold, Day, 0), Is.EqualTo(Taking.Given));
        hold.Release(tokens);
    }

    private Hold NewHold(Guid user) => new(user, _store.Release);

    private ValueTask<Taking> TakeAsync(params Meter[] meters) => TakeAsync(null, meters);

    private ValueTask<Taking> TakeAsync(Hold? hold, params Meter[] meters) => _store.TakeAsync(meters, hold, Day, null);
}
