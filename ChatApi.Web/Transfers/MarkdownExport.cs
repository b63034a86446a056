using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using ChatApi.Application.Transfers;
using ChatApi.Domain;

namespace ChatApi.Web.Transfers;

/// <summary>Writes what a conversation shows, to be read by people: what was said is Markdown itself, and stays as it is.</summary>
internal static class MarkdownExport
{
    private const int FlushAfter = 32 * 1024;

    /// <summary>What would be more than text in a heading.</summary>
    private const string Marks = "\\`*_[]<>#&!|~";

    public static async Task WriteAsync(PipeWriter body, Export export, CancellationToken cancellationToken)
    {
        await foreach (var (session, messages) in export.ReadAsync(isBranch: true, cancellationToken))
        {
            Write(body, $"# {Escaped(session.Title)}\n");
            await body.FlushAsync(cancellationToken);
            var unsent = 0L;
            await foreach (var message in messages)
            {
                unsent += Write(body, $"\n## {Heading(message)}\n\n{message.Content}\n");
                if (unsent < FlushAfter)
                    continue;
                await body.FlushAsync(cancellationToken);
                unsent = 0;
            }
        }

        await body.FlushAsync(cancellationToken);
    }

    private static long Write(PipeWriter body, string text) => Encoding.UTF8.GetBytes(text, body);

    private static string Heading(ExportedMessage message)
    {
        var who = message.Role == MessageRole.User ? "User" : "Assistant";
        var model = message.Model is null ? "" : $", {Escaped(message.Model)}";
        var state = message.Status == RunStatus.Completed ? "" : $", {message.Status}";
        return string.Create(CultureInfo.InvariantCulture, $"{who}{model}, {message.CreatedAt:yyyy-MM-dd HH:mm:ss} UTC{state}");
    }

    private static string Escaped(string text) =>
        string.Concat(text.Select(letter => Marks.Contains(letter, StringComparison.Ordinal) ? $"\\{letter}" : $"{letter}"));
}
