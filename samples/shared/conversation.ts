// One conversation with ChatApi, for any framework: what happens in it comes as events, and `withEvent` makes of them what is to be shown.

import { ChatError, follow, type Broken, type ChatEvent, type Cursor } from './chat-stream.js';

export type Message = {
  id: string;
  role: 'user' | 'assistant';
  content: string;
  status: 'running' | 'completed' | 'stopped' | 'failed' | 'interrupted';
  error?: string;
};

export type ConversationEvent = ChatEvent | Broken
  | { type: 'history'; messages: Message[] }
  | { type: 'asked'; content: string }
  | { type: 'failed'; error: string };

/** What is to be seen. */
export type View = {
  messages: readonly Message[];
  state: 'loading' | 'idle' | 'asking' | 'replying' | 'reconnecting';
  /** Whether there is something to stop. */
  isReplying: boolean;
  error: string;
};

export const emptyView: View = { messages: [], state: 'loading', isReplying: false, error: '' };

/** The view after an event. Changes nothing, as reducers and signals want it. */
export function withEvent(view: View, event: ConversationEvent): View {
  const { messages } = view;
  const last = messages.at(-1);
  const changed = (changes: Partial<Message>) => [...messages.slice(0, -1), { ...last!, ...changes }];
  const ended = { state: 'idle', isReplying: false } as const;
  switch (event.type) {
    case 'history': {
      const isReplying = event.messages.at(-1)?.status === 'running';
      return { messages: event.messages, state: isReplying ? 'replying' : 'idle', isReplying, error: '' };
    }
    case 'asked': {
      const question: Message = { id: '', role: 'user', content: event.content, status: 'completed' };
      return { messages: [...messages, question], state: 'asking', isReplying: false, error: '' };
    }
    case 'start': {
      const others = messages.filter(message => message.id !== event.message_id);
      const reply: Message = { id: event.message_id, role: 'assistant', content: '', status: 'running' };
      return { messages: [...others, reply], state: 'replying', isReplying: true, error: '' };
    }
    case 'content':
      return { ...view, messages: changed({ content: last!.content + event.content }), state: 'replying' };
    case 'done': {
      const status = event.finish_reason === 'stopped' ? 'stopped' : 'completed';
      return { ...view, messages: changed({ content: event.full_content, status }), ...ended };
    }
    case 'error':
      return { ...view, messages: changed({ status: 'failed', error: event.error }), ...ended };
    case 'broken':
      return { ...view, state: 'reconnecting' };
    case 'failed':
      return { ...view, ...ended, state: view.state === 'loading' ? 'loading' : 'idle', error: event.error };
  }
}

export class Conversation {
  #leaving = new AbortController();
  #run: string | null = null;

  /**
   * @param session the conversation to go on with; without one, the first question begins it
   * @param onSession is told its id, for whoever wants to come back after a reload
   */
  constructor(
    private readonly address: string, private readonly token: string,
    private session: string | null, private readonly onSession: (id: string) => void) {}

  /** What was said so far, and what is being said just now. */
  async *open(): AsyncGenerator<ConversationEvent> {
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    try {
      const messages = this.session ? await this.#history(signal) : [];
      yield { type: 'history', messages };
      if (!this.session) return;
      let isFollowed = false;
      for await (const event of follow((cursor, signal) => this.#attach(cursor, signal), signal)) {
        isFollowed = true;
        yield this.#noted(event);
      }
      // It has ended between the two answers.
      if (!isFollowed && messages.at(-1)?.status === 'running') yield { type: 'history', messages: await this.#history(signal) };
    } catch (error) {
      if (!signal.aborted) yield { type: 'failed', error: (error as Error).message };
    }
  }

  /** Asks, and follows the reply. */
  async *ask(content: string): AsyncGenerator<ConversationEvent> {
    const { signal } = this.#leaving;
    // Should the answer get lost, the same key makes it safe to ask again: it leads to the reply that was begun.
    const key = crypto.randomUUID();
    yield { type: 'asked', content };
    try {
      if (!this.session) {
        this.session = (await this.#json<{ id: string }>('POST', '/api/chat/realtime/sessions', {}, signal)).id;
        this.onSession(this.session);
      }
      const connect = (cursor: Cursor | null, signal: AbortSignal) => cursor
        ? this.#attach(cursor, signal)
        : this.#fetch('POST', `${this.#realtime}/stream`, signal, { content }, { 'Idempotency-Key': key });
      for await (const event of follow(connect, signal)) yield this.#noted(event);
    } catch (error) {
      if (!signal.aborted) yield { type: 'failed', error: (error as Error).message };
    }
  }

  /** Ends the reply; its text so far is kept, and `done` comes as ever. One that does not get through can be pressed again. */
  async stop(): Promise<void> {
    if (this.#run) await this.#json('POST', `${this.#realtime}/stop`, { run_id: this.#run }).catch(() => {});
  }

  /** Leaves. The server finishes the reply all the same. */
  close(): void {
    this.#leaving.abort();
  }

  get #realtime(): string {
    return `/api/chat/realtime/sessions/${this.session}`;
  }

  #noted(event: ChatEvent | Broken): ChatEvent | Broken {
    if (event.type === 'start') this.#run = event.run_id;
    return event;
  }

  #attach(cursor: Cursor | null, signal: AbortSignal): Promise<Response> {
    const query = cursor ? `?run_id=${cursor.run}&after=${cursor.seq}` : '';
    return this.#fetch('GET', `${this.#realtime}/stream${query}`, signal);
  }

  /** All messages, oldest first: page after page. */
  async #history(signal: AbortSignal): Promise<Message[]> {
    const messages: Message[] = [];
    let next: string | undefined = `/api/chat/sessions/${this.session}/messages?limit=200`;
    while (next) {
      const response: Response = await this.#fetch('GET', next, signal);
      if (!response.ok) throw await ChatError.from(response);
      messages.push(...(await response.json()));
      const link = /<([^>]*)>; rel="next"/.exec(response.headers.get('Link') ?? '')?.[1];
      next = link && new URL(link, response.url).href.slice(new URL(response.url).origin.length);
    }
    return messages;
  }

  async #json<T>(method: string, path: string, body: object, signal?: AbortSignal): Promise<T> {
    const response = await this.#fetch(method, path, signal, body);
    if (!response.ok) throw await ChatError.from(response);
    return response.json();
  }

  #fetch(method: string, path: string, signal?: AbortSignal, body?: object, headers?: Record<string, string>): Promise<Response> {
    return fetch(this.address + path, {
      method,
      signal,
      headers: { Authorization: `Bearer ${this.token}`, ...(body && { 'Content-Type': 'application/json' }), ...headers },
      body: body && JSON.stringify(body),
    });
  }
}
