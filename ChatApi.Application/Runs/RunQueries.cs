using ChatApi.Domain;

namespace ChatApi.Application.Runs;

/// <summary>What is asked of runs in several places.</summary>
internal static class RunQueries
{
    /// <summary>The one that goes on comes first: times are those of the processes, whose clocks need not agree.</summary>
    public static IOrderedQueryable<Run> LatestFirst(this IQueryable<Run> runs) =>
        runs.OrderByDescending(run => run.Status == RunStatus.Running).ThenByDescending(run => run.CreatedAt);
}
