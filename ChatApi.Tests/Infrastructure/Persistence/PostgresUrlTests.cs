using ChatApi.Application.Configuration;
using ChatApi.Infrastructure.Persistence.Postgres;
using Npgsql;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Persistence;

public sealed class PostgresUrlTests
{
    private const string Direct = "postgresql://postgres:p4ss@db.abcdefghijklmnop.supabase.co:5432/postgres";
    private const string Session = "postgresql://postgres.abcdefghijklmnop:p4ss@aws-0-eu-central-1.pooler.supabase.com:5432/postgres";
    private const string Transaction = "postgresql://postgres.abcdefghijklmnop:p4ss@aws-0-eu-central-1.pooler.supabase.com:6543/postgres";

    [TestCase(Direct, "direct")]
    [TestCase("postgres://postgres:p4ss@db.abcdefghijklmnop.supabase.co:5432/postgres", "direct")]
    [TestCase("postgresql://postgres:p4ss@db.abcdefghijklmnop.supabase.co:6543/postgres", "transaction pooler")]
    [TestCase(Session, "session pooler")]
    [TestCase(Transaction, "transaction pooler")]
    [TestCase(Transaction + "?pgbouncer=true&connection_limit=1", "transaction pooler")]
    [TestCase("Host=localhost;Username=postgres;Password=p4ss", "direct")]
    [TestCase("User Id=postgres.abc;Password=p4ss;Server=aws-0-eu-central-1.pooler.supabase.com;Port=6543;Database=postgres", "transaction pooler")]
    [TestCase("postgres://postgres:p4ss@localhost:6432/chat?pgbouncer=true", "transaction pooler")]
    [TestCase("postgres://postgres:p4ss@[::1]:5433/chat", "direct")]
    public void The_way_to_the_server_is_recognised(string url, string mode) => Assert.That(Parse(url).Mode, Is.EqualTo(mode));

    [TestCase(Direct, 50)]
    [TestCase(Session, 50)]
    [TestCase(Session + "?Max%20Auto%20Prepare=0", 0)]
    [TestCase(Transaction, 0)]
    [TestCase(Transaction + "?Max%20Auto%20Prepare=9", 0)]
    public void Every_way_is_set_up_so_that_poolers_bear_it(string url, int prepared)
    {
        var settings = Parse(url).Settings;
        Assert.Multiple(() =>
        {
            Assert.That(settings.NoResetOnClose, Is.True);
            Assert.That(settings.MaxAutoPrepare, Is.EqualTo(prepared));
            Assert.That(settings.GssEncryptionMode, Is.EqualTo(GssEncryptionMode.Disable));
            Assert.That(settings.SslMode, Is.EqualTo(SslMode.Require));
            Assert.That(settings.SearchPath, Is.Null);
            Assert.That(settings.Options, Is.Null);
        });
    }

    [Test]
    public void The_session_pooler_is_not_drained_by_one_process()
    {
        Assert.That(Parse(Session).Settings.MaxPoolSize, Is.EqualTo(5));
        Assert.That(Parse(Session + "?Maximum%20Pool%20Size=9").Settings.MaxPoolSize, Is.EqualTo(9));
    }

    [TestCase("postgres://user:p%40ss%2Fword@host/db", "p@ss/word")]
    [TestCase("postgres://user:p@ss/w#rd?x@host/db", "p@ss/w#rd?x")]
    [TestCase("postgres://user:a:b:c@host/db", "a:b:c")]
    [TestCase("postgres://user:100%@host/db", "100%")]
    public void Passwords_are_read_encoded_or_as_they_are(string url, string password)
    {
        var settings = Parse(url).Settings;
        Assert.That((settings.Host, settings.Database, settings.Password), Is.EqualTo(("host", "db", password)));
    }

    [Test]
    public void The_parts_of_an_address_are_read()
    {
        var settings = Parse("postgresql://us%40er:pw@example.com:5433/my%20db?sslmode=verify-full&application_name=app&connect_timeout=7").Settings;
        Assert.Multiple(() =>
        {
            Assert.That((settings.Host, settings.Port, settings.Username), Is.EqualTo(("example.com", 5433, "us@er")));
            Assert.That((settings.Database, settings.SslMode), Is.EqualTo(("my db", SslMode.VerifyFull)));
            Assert.That((settings.ApplicationName, settings.Timeout), Is.EqualTo(("app", 7)));
        });
    }

    [TestCase("postgres://user:secret-word@:5432/db")]
    [TestCase("postgres://user:secret-word@host:99999/db")]
    [TestCase("postgres://user:secret-word@host/db?sslmode=sometimes")]
    [TestCase("postgres://user:secret-word@host/db?nonsense=1")]
    [TestCase("Host=host;Password=secret-word;Nonsense=1")]
    [TestCase("postgresql://postgres:[YOUR-PASSWORD]@db.secret-word.supabase.co:5432/postgres")]
    public void What_cannot_be_read_is_refused_without_a_word_of_it(string url) =>
        Assert.That(
            () => PostgresUrl.TryParse("DATABASE_URL", url),
            Throws.TypeOf<ConfigurationException>().With.Message.StartsWith("DATABASE_URL").And.Message.Not.Contains("secret-word"));

    [TestCase("Data Source=chat.db")]
    [TestCase("mysql://user:pw@host/db")]
    public void Other_databases_are_left_to_others(string value) => Assert.That(PostgresUrl.TryParse("DATABASE_URL", value), Is.Null);

    private static (NpgsqlConnectionStringBuilder Settings, string Mode) Parse(string url)
    {
        var (connectionString, mode) = PostgresUrl.TryParse("DATABASE_URL", url)!.Value;
        return (new(connectionString), mode);
    }
}
