using ChatApi.Application.Runs;
using NUnit.Framework;

namespace ChatApi.Tests.Application.Runs;

public sealed class PieceLengthsTests
{
    [Test]
    public void A_count_of_pieces_leads_to_the_place_where_they_end()
    {
        var random = new Random(7);
        var ends = new List<int>();
        for (var end = 0; ends.Count < 300;)
            ends.Add(end += random.Next(3) == 0 ? random.Next(1, 70_000) : random.Next(1, 12));
        var bytes = PieceLengths.Encode([.. ends]);

        Assert.That(PieceLengths.Offset(bytes, 0), Is.Zero);
        Assert.That(Enumerable.Range(1, ends.Count).Select(count => PieceLengths.Offset(bytes, count)), Is.EqualTo(ends));
    }

    [Test]
    public void A_short_piece_costs_a_byte() => Assert.That(PieceLengths.Encode([5, 9, 136]), Is.EqualTo(new byte[] { 5, 4, 127 }));
}
