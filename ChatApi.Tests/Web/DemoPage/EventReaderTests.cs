using NUnit.Framework;

namespace ChatApi.Tests.Web.DemoPage;

/// <summary>The page's own reader of events.</summary>
public sealed class EventReaderTests : DemoPageSuite
{
    [Test]
    public async Task The_stream_reads_the_same_however_its_bytes_are_split()
    {
        var page = await OpenAsync();

        var different = await page.Tab.EvaluateAsync<string[]>("""
            async () => {
              const { readEvents } = await import('/stream.js');
              const events = [{ type: 'start' }, { type: 'content', content: 'ñ 漢 👩‍👩‍👧 \n\n data: <b>', seq: 1 }, { type: 'done', seq: 2 }];
              const written = events.map((event, i) => `data: ${JSON.stringify(event)}\nid: run:${i}\n\n`);
              const bytes = new TextEncoder().encode(`: ping\n\nretry: 2000\n\n${written.join(': ping\n\n')}data: {"cut off`);
              const expected = JSON.stringify(events);
              const different = [];
              const tryWith = async (name, ...ends) => {
                let start = 0;
                const body = new ReadableStream({
                  pull(controller) {
                    if (start >= bytes.length) return controller.close();
                    const end = ends.find(end => end > start) ?? bytes.length;
                    controller.enqueue(bytes.slice(start, end));
                    start = end;
                  },
                });
                const read = [];
                for await (const event of readEvents(body)) read.push(event);
                if (JSON.stringify(read) !== expected) different.push(name);
              };
              await tryWith('whole');
              await tryWith('every byte', ...bytes.keys());
              for (const at of bytes.keys()) await tryWith(`at ${at}`, at);
              return different;
            }
            """);

        Assert.That(different, Is.Empty);
    }
}
