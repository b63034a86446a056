// A reply of ChatApi's, read and followed to its end over as many connections as it takes. Depends on nothing: copy it.

export type ChatEvent =
  | { type: 'start'; session_id: string; run_id: string; message_id: string; user_message_id: string }
  | { type: 'content'; content: string; seq: number }
  | { type: 'done'; message_id: string; full_content: string; finish_reason: string; seq: number }
  | { type: 'error'; message_id: string; error: string; code: string; retryable: boolean; seq: number };

/** The connection broke; another try follows. */
export type Broken = { type: 'broken' };

/** Up to where a reply has arrived. */
export type Cursor = { run: string; seq: number };

/** An answer that is not a success. */
export class ChatError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }

  static async from(response: Response): Promise<ChatError> {
    // A proxy's page has no JSON: then the status has to do.
    const problem = await response.json().catch(() => ({}));
    const wait = response.headers.get('Retry-After');
    const sentence = problem.error ?? `The server answered ${response.status}.`;
    return new ChatError(response.status, problem.code ?? '', wait ? `${sentence} Try again in ${wait} s.` : sentence);
  }
}

/** The events of a stream, however its bytes are split into chunks: in a line, between two lines, in a character. */
export async function* readEvents(body: ReadableStream<Uint8Array>, onChunk = () => {}): AsyncGenerator<ChatEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      onChunk();
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop()!; // the last one may still be incomplete
      for (const block of blocks) {
        // A block without data is a comment, which keeps the connection alive.
        const data = block.split('\n').find(line => line.startsWith('data: '));
        if (data) yield JSON.parse(data.slice('data: '.length));
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

// A server that died is noticed by the others within 30 s: the waits add up to more than that.
const waits = [500, 1000, 2000, 4000, 8000, 8000, 8000, 8000];

// The server says something every 15 s: after three such silences nobody is there, whatever the socket believes.
const silence = 45_000;

/**
 * Follows a reply until it is done, has failed, or (at once) where there is none.
 * @param connect asks for the events: all of them, or those after a cursor
 * @param signal leaves; the server finishes the reply all the same
 */
export async function* follow(
  connect: (cursor: Cursor | null, signal: AbortSignal) => Promise<Response>, signal: AbortSignal,
): AsyncGenerator<ChatEvent | Broken> {
  let cursor: Cursor | null = null;
  for (let failures = 0; ; failures++) {
    const connection = new AbortController();
    let watchdog = setTimeout(() => connection.abort(), silence);
    try {
      const response = await connect(cursor, AbortSignal.any([signal, connection.signal]));
      if (response.status === 204) return;
      if (!response.ok) throw await ChatError.from(response);
      const events = readEvents(response.body!, () => {
        clearTimeout(watchdog);
        watchdog = setTimeout(() => connection.abort(), silence);
      });
      for await (const event of events) {
        if (event.type === 'start') {
          if (cursor) continue;
          cursor = { run: event.run_id, seq: 0 };
        } else if (event.type === 'content' && cursor) {
          if (event.seq <= cursor.seq) continue; // it is here already
          cursor.seq = event.seq;
        }
        failures = 0;
        yield event;
        if (event.type === 'done' || event.type === 'error') return;
      }
    } catch (error) {
      if (signal.aborted) return;
      // To the first request a refusal is the answer. Once something broke, or the reply has begun, what passes is waited for.
      const passes = !(error instanceof ChatError) || ((cursor || failures > 0) && (error.status === 429 || error.status >= 500));
      if (!passes || failures === waits.length) throw error;
    } finally {
      clearTimeout(watchdog);
      connection.abort();
    }
    if (failures === waits.length) throw new ChatError(0, 'network', 'The connection broke off.');
    yield { type: 'broken' };
    await pause(waits[failures]!, signal);
    if (signal.aborted) return;
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}
