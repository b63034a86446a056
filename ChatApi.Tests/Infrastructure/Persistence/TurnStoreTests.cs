using System.Collections.Concurrent;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using ChatApi.Tests.Support;
using Microsoft.EntityFrameworkCore;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Persistence;

/// <summary>Statements written by hand store all that EF Core's model has: a column that one of them forgets is found here.</summary>
[TestFixture(DatabaseKind.Sqlite)]
[TestFixture(DatabaseKind.Postgres)]
public sealed class TurnStoreTests(DatabaseKind database) : TurnStoreFixture(database)
{
    [Test]
    public async Task All_that_belongs_to_a_start_is_stored([Values] bool begins)
    {
        var turn = await StartAsync(begins);

        await AssertStoredAsync(turn.Question);
        await AssertStoredAsync(turn.Reply);
        await AssertStoredAsync(turn.Run, nameof(Run.LeaseExpiresAt));
        var session = await SingleAsync<ChatSession>(turn.Run.SessionId);
        Assert.That((session.LastPosition, session.UpdatedAt, session.LastMessageAt), Is.EqualTo((turn.Reply.Position, Now, Now)));
        var run = await SingleAsync<Run>(turn.Run.Id);
        Assert.That(run.LeaseExpiresAt - DateTime.UtcNow, Is.EqualTo(TimeSpan.FromSeconds(RunLeases.LeaseSeconds)).Within(TimeSpan.FromSeconds(5)));
        if (turn.NewSession is not null)
            await AssertStoredAsync(turn.NewSession);
    }

    [TestCase(RunStatus.Completed, null, "stop")]
    [TestCase(RunStatus.Stopped, null, "stopped")]
    [TestCase(RunStatus.Failed, "upstream_error", null)]
    public async Task All_that_belongs_to_an_end_is_stored(RunStatus status, string? code, string? finish)
    {
        var turn = await StartAsync(begins: true);
        End(turn, status, code, finish);
        await Turns.EndAsync(turn.Run, turn.Reply, isKept: true);

        await AssertStoredAsync(turn.Run, nameof(Run.LeaseExpiresAt));
        await AssertStoredAsync(turn.Reply);
        await AssertStoredAsync(turn.Question);
        Assert.That(async () => await Turns.EndAsync(turn.Run, turn.Reply, isKept: true), Throws.InstanceOf<DbUpdateConcurrencyException>());
    }

    [Test]
    public async Task Nothing_of_a_turn_gets_into_another_at_once_or_after_it()
    {
        var turns = new ConcurrentBag<NewTurn>();
        await Parallel.ForEachAsync(Enumerable.Range(0, 60), new ParallelOptions { MaxDegreeOfParallelism = 6 }, async (number, _) =>
        {
            var session = NewSession(Guid.CreateVersion7(), Guid.CreateVersion7(), 2);
            var turn = NewTurn(session.Id, session.UserId, 0) with { NewSession = session };
            if (number % 2 == 0) // Nothing but what has to be.
            {
                (session.Metadata, session.Settings, session.IsPinned) = (null, null, false);
                (turn.Question.Metadata, turn.Question.ClientId, turn.Question.ParentId) = (null, null, null);
                turn = turn with { Run = NewRun(turn.Question, turn.Reply, session.UserId, null) };
            }

            turn.Question.Content = $"question {number}";
            await Turns.StartAsync(turn);
            await Assert.ThatAsync(async () => await Turns.StartAsync(turn), Throws.InstanceOf<UniqueViolationException>());
            End(turn, number % 3 == 0 ? RunStatus.Failed : RunStatus.Completed, number % 3 == 0 ? "upstream_error" : null, number % 3 == 0 ? null : "stop");
            (turn.Reply.Content, turn.Reply.Usage) = ($"reply {number}", new(number, number + 1, number % 2 == 0));
            await Turns.EndAsync(turn.Run, turn.Reply, isKept: true);
            var conversation = await ReadAsync(session.UserId, session.Id, 4);
            Assert.That(conversation!.History.Select(said => said.Content), Is.EqualTo([$"question {number}", $"reply {number}"]));
            turns.Add(turn);
        });

        foreach (var turn in turns)
        {
            await AssertStoredAsync(turn.NewSession!);
            await AssertStoredAsync(turn.Question);
            await AssertStoredAsync(turn.Reply);
            await AssertStoredAsync(turn.Run, nameof(Run.LeaseExpiresAt));
        }
    }

    [Test]
    public async Task A_reply_that_is_none_is_removed()
    {
        var turn = await StartAsync(begins: true);
        End(turn, RunStatus.Failed, "upstream_error", null);
        await Turns.EndAsync(turn.Run, turn.Reply, isKept: false);

        await AssertStoredAsync(turn.Run, nameof(Run.LeaseExpiresAt));
        await using var db = NewContext();
        Assert.That(await db.Messages.Select(message => message.Id).ToListAsync(), Is.EqualTo([turn.Question.Id]));
    }

    [Test]
    public async Task Who_has_been_overtaken_ends_nothing()
    {
        var turn = await StartAsync(begins: true);
        await using (var db = NewContext())
            await db.Runs.ExecuteUpdateAsync(set => set.SetProperty(run => run.Fence, 2));
        End(turn, RunStatus.Completed, null, "stop");

        Assert.That(async () => await Turns.EndAsync(turn.Run, turn.Reply, isKept: true), Throws.InstanceOf<DbUpdateConcurrencyException>());
        Assert.That((await SingleAsync<Run>(turn.Run.Id)).Status, Is.EqualTo(RunStatus.Running));
        Assert.That((await SingleAsync<ChatMessage>(turn.Reply.Id)).Content, Is.Empty);
    }

    [Test]
    public async Task Whoever_starts_beside_a_run_or_after_others_stores_nothing()
    {
        var turn = await StartAsync(begins: true);
        var (sessionId, userId) = (turn.Run.SessionId, turn.Run.UserId);

        Assert.That(async () => await Turns.StartAsync(NewTurn(sessionId, userId, 2)), Throws.InstanceOf<UniqueViolationException>());
        End(turn, RunStatus.Completed, null, "stop");
        await Turns.EndAsync(turn.Run, turn.Reply, isKept: true);
        Assert.That(
            async () => await Turns.StartAsync(NewTurn(sessionId, userId, 0)),
            Throws.InstanceOf<DbUpdateConcurrencyException>().Or.InstanceOf<UniqueViolationException>());
        Assert.That(async () => await Turns.StartAsync(NewTurn(Guid.CreateVersion7(), userId, 0)), Throws.InstanceOf<DbUpdateConcurrencyException>());
        Assert.That(async () => await Turns.StartAsync(NewTurn(sessionId, userId, 2)), Throws.InstanceOf<UniqueViolationException>(), "The key.");

        await using var db = NewContext();
        Assert.That((await db.Messages.CountAsync(), await db.Runs.CountAsync()), Is.EqualTo((2, 1)));
    }

    [Test]
    public async Task The_latest_messages_with_text_are_read_in_order_and_by_their_owner_alone()
    {
        var userId = Guid.CreateVersion7();
        var session = NewSession(Guid.CreateVersion7(), userId, 13);
        session.Settings = new(Model: "m-3", Temperature: 0.25, Stop: ["fin"]);
        List<Guid> ids;
        var empty = NewSession(Guid.CreateVersion7(), userId, 0);
        empty.Settings = null;
        await using (var db = NewContext())
        {
            db.Sessions.AddRange(session, empty);
            for (var position = 1; position <= 12; position++)
                db.Messages.Add(NewMessage(session.Id, userId, position, position % 2 == 1 ? MessageRole.User : MessageRole.Assistant, position == 9 ? "" : $"n.º {position} 👋🏽"));
            ids = [.. ((DbContext)db).ChangeTracker.Entries<ChatMessage>().Select(entry => entry.Entity).OrderBy(message => message.Position).Select(message => message.Id)];
            var left = NewMessage(session.Id, userId, 13, MessageRole.User, "on another branch");
            left.IsOnBranch = false;
            db.Messages.Add(left);
            await db.SaveChangesAsync(CancellationToken.None);
        }

        var read = await ReadAsync(userId, session.Id, 4);
        Assert.That((read!.LastPosition, read.LastId, read.Settings!.Model, read.Settings.Temperature), Is.EqualTo((13, ids[11], "m-3", 0.25)));
        Assert.That(read.Settings.Stop, Is.EqualTo(["fin"]));
        Assert.That(read.History, Is.EqualTo(
            [
                new Utterance(ids[7], MessageRole.Assistant, "n.º 8 👋🏽"), new(ids[9], MessageRole.Assistant, "n.º 10 👋🏽"),
                new(ids[10], MessageRole.User, "n.º 11 👋🏽"), new(ids[11], MessageRole.Assistant, "n.º 12 👋🏽"),
            ]));
        var before = await ReadAsync(userId, session.Id, 2, before: 9);
        Assert.That((before!.LastId, before.History[0].Id, before.History[1].Id), Is.EqualTo((ids[7], ids[6], ids[7])));
        Assert.That((await ReadAsync(userId, session.Id, 1, before: 10))!.LastId, Is.EqualTo(ids[8]), "It is empty, but the last.");
        Assert.That((await ReadAsync(userId, session.Id, 0))!.History, Is.Empty);
        var nothing = await ReadAsync(userId, empty.Id, 4);
        Assert.That((nothing!.LastId, nothing.Settings, nothing.History.Count), Is.EqualTo(((Guid?)null, (ReplySettings?)null, 0)));
        Assert.That(await ReadAsync(Guid.CreateVersion7(), session.Id, 4), Is.Null);
        Assert.That(await ReadAsync(userId, Guid.CreateVersion7(), 4), Is.Null);
        await using (var db = NewContext())
            await db.Sessions.ExecuteUpdateAsync(set => set.SetProperty(row => row.DeletedAt, Now));
        Assert.That(await ReadAsync(userId, session.Id, 4), Is.Null, "It is in the trash.");
        Assert.That(async () => await Turns.StartAsync(NewTurn(session.Id, userId, 13)), Throws.InstanceOf<DbUpdateConcurrencyException>());
    }

    [Test]
    public async Task What_is_asked_anew_leaves_the_branch_that_was_there()
    {
        var first = await StartAsync(begins: true);
        End(first, RunStatus.Completed, null, "stop");
        await Turns.EndAsync(first.Run, first.Reply, isKept: true);
        var (sessionId, userId) = (first.Run.SessionId, first.Run.UserId);

        var again = NewTurn(sessionId, userId, 1) with { Question = first.Question, IsAnswerAnew = true, LeavesBranchAfter = 1 };
        again.Reply.ParentId = first.Question.Id;
        again.Reply.HasSiblings = true;
        await Turns.StartAsync(again with { Run = NewRun(again.Question, again.Reply, userId, "otra") });

        await AssertStoredAsync(again.Reply);
        await AssertStoredAsync(first.Question);
        var left = await SingleAsync<ChatMessage>(first.Reply.Id);
        Assert.That((left.IsOnBranch, left.HasSiblings, left.Content), Is.EqualTo((false, true, first.Reply.Content)));
        Assert.That((await SingleAsync<ChatSession>(sessionId)).LastPosition, Is.EqualTo(3));

        // It comes to nothing: with its end the branch that was there is shown again.
        var end = again with { Run = await SingleAsync<Run>((await RunsAsync()).Single(run => run.Status == RunStatus.Running).Id) };
        End(end, RunStatus.Failed, "upstream_error", null);
        await Turns.EndAsync(end.Run, end.Reply, isKept: false);

        Assert.That((await SingleAsync<ChatMessage>(first.Reply.Id)).IsOnBranch, Is.True);
        Assert.That((await SingleAsync<ChatSession>(sessionId)).LastPosition, Is.EqualTo(4), "Whoever has read the branch before finds another one.");
        Assert.That(async () => await Turns.EndAsync(end.Run, end.Reply, isKept: false), Throws.InstanceOf<DbUpdateConcurrencyException>());
    }

    [Test]
    public async Task What_replies_cost_is_added_up_by_day_and_model_and_stays()
    {
        var first = await StartAsync(begins: true);
        End(first, RunStatus.Completed, null, "stop");
        await Turns.EndAsync(first.Run, first.Reply, isKept: true);
        var second = NewTurn(first.Run.SessionId, first.Run.UserId, 2);
        second = second with { Run = NewRun(second.Question, second.Reply, first.Run.UserId, "otra") };
        await Turns.StartAsync(second);
        End(second, RunStatus.Completed, null, "stop");
        second.Reply.Usage = new(1, 2, false);
        await Turns.EndAsync(second.Run, second.Reply, isKept: true);

        await using var db = NewContext();
        await db.Sessions.ExecuteDeleteAsync();
        var day = await db.DailyUsages.SingleAsync();
        Assert.That(
            (day.UserId, day.Day, day.Model, day.Replies, day.PromptTokens, day.CompletionTokens, day.EstimatedTokens),
            Is.EqualTo((first.Run.UserId, DateOnly.FromDateTime(Now), "m-2", 2, 13L, 5L, 15L)));
    }

    [Test]
    public async Task A_reply_counts_for_the_day_UTC_on_which_it_was_asked_for()
    {
        var midnight = new DateTime(2026, 3, 1, 0, 0, 0, DateTimeKind.Utc);
        var userId = Guid.CreateVersion7();
        foreach (var (at, tokens) in new[] { (midnight.AddMicroseconds(-1), 1), (midnight, 10), (midnight.AddDays(1).AddMicroseconds(-1), 100) })
        {
            var session = NewSession(Guid.CreateVersion7(), userId, 2);
            var turn = NewTurn(session.Id, userId, 0) with { NewSession = session };
            turn = turn with { Run = NewRun(turn.Question, turn.Reply, userId, $"{tokens}", at) };
            await Turns.StartAsync(turn);
            End(turn, RunStatus.Completed, null, "stop");
            turn.Reply.Usage = new(tokens, 0, false);
            turn.Run.EndedAt = midnight.AddDays(3);
            await Turns.EndAsync(turn.Run, turn.Reply, isKept: true);
        }

        await using var db = NewContext();
        var days = await db.DailyUsages.OrderBy(usage => usage.Day).Select(usage => new { usage.Day, usage.PromptTokens }).ToListAsync();
        Assert.That(
            days.Select(usage => (usage.Day, usage.PromptTokens)),
            Is.EqualTo([(new DateOnly(2026, 2, 28), 1L), (new DateOnly(2026, 3, 1), 110L)]));
    }

    [TestCase("Nueva conversación", false, true)]
    [TestCase("Nueva conversación", true, false)]
    [TestCase("Otra", false, false)]
    public async Task It_is_told_whether_a_title_may_be_made(string title, bool isChosen, bool isUntitled)
    {
        var session = NewSession(Guid.CreateVersion7(), Guid.CreateVersion7(), 0);
        (session.Title, session.IsTitleChosen) = (title, isChosen);
        await using (var db = NewContext())
        {
            db.Sessions.Add(session);
            await db.SaveChangesAsync(CancellationToken.None);
        }

        Assert.That((await ReadAsync(session.UserId, session.Id, 4))!.IsUntitled, Is.EqualTo(isUntitled));
    }
}
