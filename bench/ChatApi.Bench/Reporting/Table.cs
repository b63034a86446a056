namespace ChatApi.Bench.Reporting;

/// <summary>A table of Markdown that can be read as it is.</summary>
internal static class Table
{
    public static void Write(TextWriter output, string[] head, IEnumerable<string[]> rows)
    {
        var all = rows.Prepend(head).ToList();
        var widths = head.Select((_, column) => Math.Max(2, all.Max(row => row[column].Length))).ToList();
        for (var i = 0; i < all.Count; i++)
        {
            var cells = all[i].Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]));
            output.WriteLine($"| {string.Join(" | ", cells)} |");
            if (i == 0)
                output.WriteLine($"| {string.Join(" | ", widths.Select((width, column) => new string('-', width - 1) + (column == 0 ? "-" : ":")))} |");
        }
    }
}
