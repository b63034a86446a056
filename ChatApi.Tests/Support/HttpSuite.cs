using ChatApi.Tests.Support;
using NUnit.Framework;

[assembly: LevelOfParallelism(4)]

namespace ChatApi.Tests.Support
{
    /// <summary>Tests that hold on every kind of database, against a real process over real sockets.</summary>
    [TestFixtureSource(typeof(HttpSuite), nameof(Databases))]
    [Parallelizable(ParallelScope.All)]
    public abstract class HttpSuite(DatabaseKind database)
    {
        public static IEnumerable<DatabaseKind> Databases => Enum.GetValues<DatabaseKind>();

        protected ChatApiEnvironment Environment { get; private set; } = null!;

        protected ChatApiProcess Server => Environment.Server;

        protected ModelScripts Model => Environment.Model;

        protected DatabaseKind Database => database;

        [OneTimeSetUp]
        public async Task UseEnvironmentAsync() => Environment = await ChatApiEnvironment.ForAsync(database);

        [TearDown]
        public void ExpectNothingUnforeseen() => Assert.That(Environment.TakeUnforeseenFailures(), Is.Empty, "the server's log");

        /// <summary>A user of this test alone.</summary>
        protected ApiClient NewUser() => ApiClient.NewUser(Server);

        protected ApiClient Nobody() => ApiClient.Nobody(Server);
    }
}

namespace ChatApi.Tests
{
    /// <summary>Ends what the tests have started and shared.</summary>
    [SetUpFixture]
    public sealed class SharedServers
    {
        [OneTimeTearDown]
        public Task EndThemAsync() => ChatApiEnvironment.DisposeAllAsync();
    }
}
