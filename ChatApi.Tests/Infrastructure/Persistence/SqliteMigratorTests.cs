using ChatApi.Application.Abstractions;
using ChatApi.Application.Configuration;
using ChatApi.Infrastructure.Persistence;
using ChatApi.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Persistence;

[Parallelizable(ParallelScope.All)]
public sealed class SqliteMigratorTests
{
    /// <summary>Which is the newest is written down; here it is the last of all that are in the assembly.</summary>
    [Test]
    public async Task A_file_that_lacks_the_newest_migration_is_behind()
    {
        using var directory = new TemporaryDirectory();
        var settings = new ConfigurationBuilder()
            .AddInMemoryCollection([new("DATABASE_URL", $"Data Source={directory.File("chatapi.db")};Pooling=false")]).Build();
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton(TimeProvider.System)
            .AddPersistence(DatabaseOptions.Read(new Settings(settings)))
            .BuildServiceProvider();
        var migrator = services.GetRequiredService<IDatabaseMigrator>();
        await migrator.MigrateAsync(default);
        Assert.That(await migrator.IsBehindAsync(default), Is.False);

        await using var context = (DbContext)services.GetRequiredService<IChatDbContextFactory>().Create();
        var newest = context.Database.GetMigrations().Last();
        await context.Database.ExecuteSqlRawAsync(context.GetService<IHistoryRepository>().GetDeleteScript(newest));
        Assert.That(await migrator.IsBehindAsync(default), Is.True);
    }
}
