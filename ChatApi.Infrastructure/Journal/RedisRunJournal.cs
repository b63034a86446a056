using System.Globalization;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Runs;
using StackExchange.Redis;

namespace ChatApi.Infrastructure.Journal;

/// <summary>
/// The journal as a stream a run. The ids are ours, <c>fence-pieces</c>: Redis itself refuses what is stale or was written
/// before. A stream that is gone (flushed, evicted) is not begun anew by an entry from the middle.
/// </summary>
internal sealed class RedisRunJournal(IConnectionMultiplexer redis) : IRunJournal
{
    /// <summary>More than a reply of 15 minutes has at this interval.</summary>
    private const int MaxEntries = 20_000;

    /// <summary>
    /// Of what nobody removes, because the process died and the database is away: long past every lease. A reply that takes longer
    /// finds its stream gone, and goes on in the database.
    /// </summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    private const string IdNotGreater = "ERR The ID specified in XADD is equal or smaller";

    private static readonly RedisValue Text = "t", Lengths = "l", Sealed = "s";

    public TimeSpan Interval { get; } = TimeSpan.FromMilliseconds(50);

    private IDatabase Database => redis.GetDatabase();

    public async Task<IReadOnlySet<Guid>> AppendAsync(IReadOnlyList<JournalEntry> entries, CancellationToken cancellationToken)
    {
        // One write to the connection: the multiplexer sends what is asked together.
        var answers = entries.Select(AppendAsync).ToList();
        var kept = await Task.WhenAll(answers);
        return entries.Where((_, index) => kept[index]).Select(entry => entry.RunId).ToHashSet();
    }

    public async Task<IReadOnlyList<JournalEntry>> ReadAsync(IReadOnlyCollection<RunCursor> cursors, CancellationToken cancellationToken)
    {
        var streams = await Task.WhenAll(cursors.Select(ReadAsync));
        return [.. streams.SelectMany(stream => stream)];
    }

    public async Task<SealedJournal> SealAsync(Guid runId, int fence, CancellationToken cancellationToken)
    {
        try
        {
            await Database.ExecuteAsync("XADD", Key(runId), "NOMKSTREAM", Id(fence, 0), Sealed, "1");
        }
        catch (RedisServerException)
        {
            // Sealed before, by somebody who came no further; or there is no room for it. What is there can be read all the same, and
            // what a late owner adds is read by nobody.
        }

        return new([.. await ReadAsync(new RunCursor(runId, 0))]);
    }

    public Task RemoveAsync(IReadOnlyCollection<Guid> runIds, CancellationToken cancellationToken) =>
        Database.KeyDeleteAsync([.. runIds.Select(Key)]);

    /// <summary>Nothing to do: streams expire.</summary>
    public Task CleanAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static RedisKey Key(Guid runId) => $"chatapi:run:{runId:N}";

    private static string Id(int fence, int pieces) => string.Create(CultureInfo.InvariantCulture, $"{fence}-{pieces}");

    private async Task<bool> AppendAsync(JournalEntry entry)
    {
        var (key, pieces) = (Key(entry.RunId), entry.After + entry.Pieces);
        List<object> arguments = [key, "MAXLEN", "~", MaxEntries, Id(entry.Fence, pieces), Text, entry.Text, Lengths, entry.PieceLengths];
        if (entry.After > 0)
            arguments.Insert(1, "NOMKSTREAM");
        try
        {
            var added = Database.ExecuteAsync("XADD", arguments);
            if (entry.After == 0)
                await Database.KeyExpireAsync(key, Lifetime, CommandFlags.FireAndForget);
            return !(await added).IsNull;
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith(IdNotGreater, StringComparison.Ordinal))
        {
            // The same entry may have been written before, and its answer lost.
            var last = await Database.StreamRangeAsync(key, "-", "+", 1, Order.Descending);
            return last is [var newest] && newest.Id == Id(entry.Fence, pieces);
        }
    }

    private async Task<IEnumerable<JournalEntry>> ReadAsync(RunCursor cursor)
    {
        // An entry's id has the number of pieces with it: those that end after the cursor. All fences, because the last one seals.
        var entries = await Database.StreamRangeAsync(Key(cursor.RunId), Id(1, cursor.After + 1), "+");
        return entries.Where(entry => !entry[Text].IsNull).Select(entry =>
        {
            var id = ((string)entry.Id!).Split('-');
            byte[] lengths = entry[Lengths]!;
            var pieces = PieceLengths.Decode(lengths).Count();
            var after = int.Parse(id[1], CultureInfo.InvariantCulture) - pieces;
            return new JournalEntry(cursor.RunId, int.Parse(id[0], CultureInfo.InvariantCulture), after, pieces, entry[Text]!, lengths);
        });
    }
}
