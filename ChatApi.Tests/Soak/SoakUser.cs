using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Soak;

/// <summary>Somebody who chats, over whichever replica, asks again when the answer gets lost, comes and goes, and sometimes stops.</summary>
public sealed class SoakUser(SoakWorld world, Random random)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly ApiClient _user = world.Cluster.NewUser();

    public async Task ChatAsync(CancellationToken end)
    {
        string? session = null;
        while (!end.IsCancellationRequested)
        {
            if (session is null || random.Next(6) == 0)
                session = await CreateSessionAsync();
            var turn = world.NewTurn(_user, session, random);
            var watching = new List<Task>();
            try
            {
                await AskAsync(turn, watching);
            }
            catch (Exception exception)
            {
                world.Violate(turn, exception.Message);
            }

            await Task.WhenAll(watching);
        }
    }

    private async Task<string> CreateSessionAsync()
    {
        var until = DateTime.UtcNow + Patience;
        while (true)
        {
            var answer = await TryAsync(() => Somewhere().PostAsync("/api/chat/sessions", new { }));
            if (answer?.Status == HttpStatusCode.Created)
                return answer["id"];
            if (DateTime.UtcNow > until)
                throw new TimeoutException("No session could be made.");
            await Task.Delay(300);
        }
    }

    /// <summary>Asks under one key until the answer has come to its end, or until others have taken up watching.</summary>
    private async Task AskAsync(SoakTurn turn, List<Task> watching)
    {
        var until = DateTime.UtcNow + Patience;
        while (DateTime.UtcNow < until)
        {
            await using var reply = await TryAsync(() => Somewhere().StreamAsync(turn.SessionId, turn.Question, turn.Key));
            if (reply?.Response.StatusCode != HttpStatusCode.OK)
            {
                await Task.Delay(random.Next(100, 700));
                continue;
            }

            var viewer = new Viewer();
            if (!await ReadAsync(reply, viewer, turn, random.Next(4) == 0 ? random.Next(1, 20) : int.MaxValue) && turn.RunId is null)
                continue;
            var (stops, joins) = (random.Next(6) == 0, random.Next(3) == 0);
            if (joins)
                watching.Add(WatchAsync(turn, new Viewer()));
            if (stops)
                watching.Add(StopAsync(turn));
            if (viewer.End is null)
                await WatchAsync(turn, viewer);
            else
                turn.Seen.Add((viewer.Text, viewer.End));
            return;
        }

        throw new TimeoutException("The question was never taken.");
    }

    /// <summary>Watches from where the viewer is, in as many goes as it takes, each somewhere else.</summary>
    private async Task WatchAsync(SoakTurn turn, Viewer viewer)
    {
        var began = DateTimeOffset.UtcNow;
        while (viewer.End is null)
        {
            if (DateTimeOffset.UtcNow > began + Patience)
            {
                world.Violate(turn, $"from {world.Clock(began)} on its end was not seen");
                break;
            }

            await using var reply = await TryAsync(() => Somewhere().AttachAsync(turn.SessionId, $"?run_id={turn.RunId}&after={viewer.Seq}"));
            if (reply?.Response.StatusCode == HttpStatusCode.OK)
                await ReadAsync(reply, viewer, turn, random.Next(3) == 0 ? random.Next(1, 30) : int.MaxValue);
            else if (reply?.Response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.NotFound or HttpStatusCode.NoContent)
                world.Violate(turn, $"coming back after {viewer.Seq} was answered with {reply.Response.StatusCode}");
            await Task.Delay(random.Next(20, 300));
        }

        turn.Seen.Add((viewer.Text, viewer.End));
    }

    /// <summary>Reads so many events at the most; false if the connection broke.</summary>
    private static async Task<bool> ReadAsync(ReplyReader reply, Viewer viewer, SoakTurn turn, int events)
    {
        try
        {
            for (; events > 0; events--)
            {
                if (await reply.NextAsync() is not { } received)
                    return true;
                if (received.Type == "start")
                    (turn.RunId, turn.MessageId) = (received["run_id"], received["message_id"]);
                else
                    viewer.Take(received);
            }

            return true;
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            return false;
        }
    }

    private async Task StopAsync(SoakTurn turn)
    {
        await Task.Delay(random.Next(50, 2000));
        turn.IsStopAsked = true;
        for (var until = DateTime.UtcNow + Patience; DateTime.UtcNow < until;)
        {
            var answer = await TryAsync(() => Somewhere().PostAsync($"/api/chat/realtime/sessions/{turn.SessionId}/stop", new { run_id = turn.RunId }));
            if (answer?.Status == HttpStatusCode.OK)
                return;
            await Task.Delay(300);
        }

        world.Violate(turn, "the stop was never taken");
    }

    private ApiClient Somewhere() => world.Cluster.On(world.AnyReplica(random), _user);

    /// <summary>Null where the connection failed, or its replica is just being replaced: whoever chats tries again.</summary>
    private static async Task<T?> TryAsync<T>(Func<Task<T>> call) where T : class
    {
        try
        {
            return await call();
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            return null;
        }
    }

    private sealed class Viewer
    {
        public string Text { get; private set; } = "";

        public long Seq { get; private set; }

        public ReceivedEvent? End { get; private set; }

        public void Take(ReceivedEvent received)
        {
            Assert.That(received.Seq, Is.GreaterThan(Seq), "A viewer that comes back is told nothing twice.");
            (Text, Seq) = (Text + received["content"], received.Seq);
            if (received.IsTerminal)
                End = received;
        }
    }
}
