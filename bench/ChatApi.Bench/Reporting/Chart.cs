using System.Globalization;
using System.Text;

namespace ChatApi.Bench.Reporting;

/// <summary>A line.</summary>
/// <param name="Name">What it shows.</param>
/// <param name="Points">In the order of X, which is greater than 0.</param>
internal sealed record ChartSeries(string Name, IReadOnlyList<(double X, double Y)> Points);

/// <summary>One of the diagrams that are drawn beside each other.</summary>
/// <param name="Title">What is measured.</param>
/// <param name="Unit">Of Y.</param>
/// <param name="IsLogarithmic">Y is; X always is.</param>
/// <param name="Series">The same names in each panel, in the same order.</param>
internal sealed record ChartPanel(string Title, string Unit, bool IsLogarithmic, IReadOnlyList<ChartSeries> Series);

/// <summary>Draws SVG that can be read on light and on dark ground.</summary>
internal static class Chart
{
    private const int Width = 300, Height = 200, Left = 48, Top = 64, Gap = 56, Bottom = 44;

    private const string Style =
        """
        text { font: 11px system-ui, sans-serif; fill: #57606a } .title { font-size: 13px; font-weight: 600; fill: #1f2328 }
        .grid { stroke: #d0d7de; stroke-width: 1 } .line { fill: none; stroke-width: 2; stroke-linejoin: round }
        .s0 { stroke: #b35900; fill: #b35900 } .s1 { stroke: #0a5fd1; fill: #0a5fd1 } .s2 { stroke: #1a7f37; fill: #1a7f37 } .s3 { stroke: #8250df; fill: #8250df }
        .line.s0, .line.s1, .line.s2, .line.s3 { fill: none }
        @media (prefers-color-scheme: dark) {
          text { fill: #9aa4af } .title { fill: #e6edf3 } .grid { stroke: #3d444d }
          .s0 { stroke: #f0a050; fill: #f0a050 } .s1 { stroke: #6cb0ff; fill: #6cb0ff } .s2 { stroke: #56d364; fill: #56d364 } .s3 { stroke: #c297ff; fill: #c297ff }
        }
        """;

    /// <param name="x">What X is, and its unit.</param>
    /// <param name="panels">From left to right.</param>
    public static string Draw(string x, IReadOnlyList<ChartPanel> panels)
    {
        var (width, height) = (panels.Count * (Left + Width + Gap) - Gap + 24, Top + Height + Bottom);
        var svg = new StringBuilder();
        Append(svg, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">""");
        Append(svg, $"<title>{Escape(string.Join("; ", panels.Select(panel => $"{panel.Title}, {panel.Unit}")))}, by {Escape(x)}</title>");
        Append(svg, $"<style>{Style}</style>");
        DrawLegend(svg, panels[0].Series);
        for (var i = 0; i < panels.Count; i++)
            new Panel(svg, panels[i], Left + (i * (Left + Width + Gap))).Draw(x);
        Append(svg, $"</svg>");
        return svg.ToString();
    }

    private static void DrawLegend(StringBuilder svg, IReadOnlyList<ChartSeries> series)
    {
        var at = Left;
        for (var i = 0; i < series.Count; i++)
        {
            Append(svg, $"""<path class="line s{i % 4}" d="M{at} 14h22"/><text x="{at + 28}" y="18">{Escape(series[i].Name)}</text>""");
            at += 52 + (7 * series[i].Name.Length);
        }
    }

    private static void Append(StringBuilder svg, FormattableString line) =>
        svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string Escape(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);

    private sealed class Panel(StringBuilder svg, ChartPanel panel, int left)
    {
        private readonly Scale _x = Scale.Logarithmic(panel.Series.SelectMany(series => series.Points).Select(point => point.X));
        private readonly Scale _y = panel.IsLogarithmic
            ? Scale.Logarithmic(panel.Series.SelectMany(series => series.Points).Select(point => point.Y))
            : Scale.Linear(panel.Series.SelectMany(series => series.Points).Select(point => point.Y));

        public void Draw(string x)
        {
            Append(svg, $"""<text class="title" x="{left}" y="{Top - 18}">{Escape(panel.Title)}, {Escape(panel.Unit)}</text>""");
            foreach (var tick in _y.Ticks)
                Append(svg, $"""<path class="grid" d="M{left} {Y(tick):F1}h{Width}"/><text x="{left - 6}" y="{Y(tick) + 4:F1}" text-anchor="end">{tick:#,0.##}</text>""");
            foreach (var tick in _x.Ticks)
                Append(svg, $"""<path class="grid" d="M{X(tick):F1} {Top + Height}v4"/><text x="{X(tick):F1}" y="{Top + Height + 17}" text-anchor="middle">{tick:#,0.##}</text>""");
            Append(svg, $"""<text x="{left + (Width / 2)}" y="{Top + Height + 36}" text-anchor="middle">{Escape(x)}</text>""");
            for (var i = 0; i < panel.Series.Count; i++)
                DrawLine(panel.Series[i], i % 4);
        }

        private void DrawLine(ChartSeries series, int color)
        {
            var points = string.Join(' ', series.Points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{X(point.X):F1},{Y(point.Y):F1}")));
            Append(svg, $"""<polyline class="line s{color}" points="{points}"/>""");
            foreach (var (x, y) in series.Points)
                Append(svg, $"""<circle class="s{color}" cx="{X(x):F1}" cy="{Y(y):F1}" r="3"><title>{Escape(series.Name)}, {x:N0}: {y:#,0.##} {Escape(panel.Unit)}</title></circle>""");
        }

        private double X(double value) => left + (_x.Place(value) * Width);

        private double Y(double value) => Top + Height - (_y.Place(value) * Height);
    }

    /// <summary>Where a value lies between the ends, 0 to 1.</summary>
    private sealed record Scale(double From, double To, bool IsLogarithmic, IReadOnlyList<double> Ticks)
    {
        private static readonly int[] Steps = [1, 2, 5, 10];

        /// <summary>From and to a power of ten.</summary>
        public static Scale Logarithmic(IEnumerable<double> values)
        {
            // What is on time to a tenth of the unit is drawn there.
            var all = values.Select(value => Math.Max(value, 0.1)).DefaultIfEmpty(1).ToList();
            var (from, to) = ((int)Math.Floor(Math.Log10(all.Min())), (int)Math.Ceiling(Math.Log10(all.Max())));
            to = Math.Max(to, from + 1);
            return new(from, to, true, [.. Enumerable.Range(from, to - from + 1).Select(power => Math.Pow(10, power))]);
        }

        /// <summary>From 0, in steps of 1, 2 or 5 and noughts.</summary>
        public static Scale Linear(IEnumerable<double> values)
        {
            var most = Math.Max(values.DefaultIfEmpty(1).Max(), 1);
            var power = Math.Pow(10, Math.Floor(Math.Log10(most / 4)));
            var step = Steps.Select(factor => factor * power).First(step => step * 5 >= most);
            var steps = (int)Math.Ceiling(most / step);
            return new(0, steps * step, false, [.. Enumerable.Range(0, steps + 1).Select(n => n * step)]);
        }

        public double Place(double value) =>
            ((IsLogarithmic ? Math.Log10(Math.Max(value, 0.1)) : Math.Max(value, 0)) - From) / (To - From);
    }
}
