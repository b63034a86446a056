using ChatApi.Infrastructure.Persistence.Postgres;
using Npgsql;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Persistence;

/// <summary>What is kept of a statement: its command, neither more of them than are needed nor anything that was said.</summary>
public sealed class StatementPoolTests
{
    [Test]
    public async Task A_statement_is_used_again_without_its_texts()
    {
        await using var source = NpgsqlDataSource.Create("Host=localhost");
        var pool = new StatementPool(source, "SELECT $1, $2");
        var id = Guid.CreateVersion7();
        var first = pool.Rent().Text("a secret").Uuid(id);
        Assert.That(first.Command.Parameters.Select(parameter => parameter.Value), Is.EqualTo(new object[] { "a secret", id }));
        first.Return();
        Assert.That(first.Command.Parameters[0].Value, Is.Null.Or.EqualTo(DBNull.Value));

        var second = pool.Rent().Text(null).Uuid(Guid.Empty);
        Assert.That(second, Is.SameAs(first));
        Assert.That(second.Command.Parameters, Has.Count.EqualTo(2));
        Assert.That(second.Command.Parameters[1].Value, Is.EqualTo(Guid.Empty));
        Assert.That(pool.Rent(), Is.Not.SameAs(second), "It is in use.");
    }

    [Test]
    public async Task What_a_crowd_needs_at_once_is_not_kept()
    {
        await using var source = NpgsqlDataSource.Create("Host=localhost");
        var pool = new StatementPool(source, "SELECT $1");
        var crowd = Enumerable.Range(0, 1000).Select(_ => pool.Rent()).ToList();
        crowd.ForEach(statement => statement.Return());
        var kept = Enumerable.Range(0, 1000).Select(_ => pool.Rent()).Count(crowd.Contains);
        Assert.That(kept, Is.InRange(20, 100));
    }
}
