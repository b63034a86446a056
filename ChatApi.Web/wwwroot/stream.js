// Server-Sent Events over fetch: what EventSource cannot do, because it can neither POST nor send a token.

/**
 * The JSON of each event's data, as the chunks bring it: however the bytes are split, also inside a line end or a
 * character. An event that the end cuts off is dropped, as the standard says.
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} [onBytes] called for each chunk, also for one that only keeps the connection alive
 */
export async function* readEvents(body, onBytes = () => {}) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let pieces = [];
  let data = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      onBytes();
      const lines = value.split('\n');
      // A line may come in many pieces; they are joined once.
      for (let i = 0; i < lines.length - 1; i++) {
        const line = pieces.join('') + lines[i];
        pieces = [];
        if (line === '' || line === '\r') {
          if (data.length > 0) yield JSON.parse(data.join('\n'));
          data = [];
        } else if (line.startsWith('data:')) {
          data.push(line.slice(line[5] === ' ' ? 6 : 5));
        }
        // Everything else (comments, id, retry) is of no use here: the cursor is in the events themselves.
      }
      if (lines.at(-1) !== '') pieces.push(lines.at(-1));
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
