using NUnit.Framework;

namespace ChatApi.Tests.Support;

/// <summary>
/// What tests say and sign in with has a mark, and no log may have it: keys and passwords, addresses, tokens, questions and the
/// reply that is made where a test asks for none of its own.
/// </summary>
public static class Canary
{
    /// <summary>In every secret and every question.</summary>
    public const string Mark = "canary";

    /// <summary>The beginning of every token, which is <c>{"</c> in Base64; the domain of every address; the passwords of the demo page and its account.</summary>
    private static readonly string[] Marks =
        [Mark, "eyJ", "@example.com", "password123", "a-long-password", PostgresServer.Password, Uri.EscapeDataString(PostgresServer.Password), ModelScripts.DefaultReply];

    /// <summary>The lines of an output that have a mark.</summary>
    public static IEnumerable<string> Leaks(string output) =>
        output.Split('\n').Where(line => Marks.Any(mark => line.Contains(mark, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Fails if one has.</summary>
    public static void ExpectNone(string output) => Assert.That(Leaks(output), Is.Empty, "secrets or words of people in a log");
}
