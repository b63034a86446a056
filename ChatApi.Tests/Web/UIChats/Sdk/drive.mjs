// Plays one scene against ChatApi with one version of the AI SDK, and prints what came of it as JSON.
// A framework's useChat is AbstractChat over state of its own; so is the Chat here, and Vue's and Svelte's as they are.

import { readFile, unlink, writeFile } from 'node:fs/promises';

const { sdk, scene, api, token, questions } = JSON.parse(process.argv[2]);
const isOfFramework = sdk.startsWith('@ai-sdk/');
const { AbstractChat, DefaultChatTransport, readUIMessageStream } = await import(isOfFramework ? 'ai' : sdk);

const headers = { Authorization: `Bearer ${token}` };
const transport = new DefaultChatTransport({ api, headers });
const text = message => message.parts.filter(part => part.type === 'text').map(part => part.text).join('');
const told = messages => messages.map(({ id, role, metadata, ...message }) => ({ id, role, text: text(message), metadata: metadata ?? null }));

class State {
  status = 'ready';
  error = undefined;
  #messages;
  constructor(messages) { this.#messages = messages; }
  get messages() { return this.#messages; }
  set messages(messages) { this.#messages = messages; }
  pushMessage = message => { this.#messages = [...this.#messages, message]; };
  popMessage = () => { this.#messages = this.#messages.slice(0, -1); };
  replaceMessage = (index, message) => { this.#messages = this.#messages.with(index, structuredClone(message)); };
  snapshot = value => structuredClone(value);
}

class OwnChat extends AbstractChat {
  constructor({ messages, ...options }) { super({ ...options, state: new State(messages) }); }
}

/** Svelte's package has its Chat in runes, for the page's own build to compile: so does this. */
async function svelteChat() {
  const { compileModule } = await import('svelte/compiler');
  const source = new URL('node_modules/@ai-sdk/svelte/dist/chat.svelte.js', import.meta.url);
  const compiled = new URL(`chat.compiled-${process.pid}.mjs`, source);
  await writeFile(compiled, compileModule(await readFile(source, 'utf8'), { filename: 'chat.svelte.js', generate: 'client' }).js.code);
  try {
    return (await import(compiled)).Chat;
  } finally {
    await unlink(compiled);
  }
}

const Base = sdk === '@ai-sdk/vue' ? (await import(sdk)).Chat : sdk === '@ai-sdk/svelte' ? await svelteChat() : OwnChat;

class Chat extends Base {
  constructor(id, messages = []) {
    const errors = [];
    super({ id, messages, transport, onError: error => errors.push(error.message) });
    this.errors = errors;
  }
}

const open = (path, options) => fetch(`${api}/${path}`, { headers, ...options });
const history = async id => (await open(`${id}/messages`)).json();
const newId = () => Array.from({ length: 16 }, () => 'abcdefghijklmnopqrstuvwxyz0123456789'[Math.floor(Math.random() * 36)]).join('');

async function until(condition) {
  for (const end = Date.now() + 30_000; !condition();) {
    if (Date.now() > end) throw new Error('It did not come to that within 30 s.');
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

const begun = chat => until(() => chat.lastMessage?.role === 'assistant' && text(chat.lastMessage).length > 0);

const scenes = {
  /** The transport alone: what chunks there are, and what message they make. */
  async transport() {
    const message = { id: newId(), role: 'user', parts: [{ type: 'text', text: questions[0] }] };
    const stream = await transport.sendMessages({ chatId: newId(), messages: [message], trigger: 'submit-message' });
    const [chunks, copy] = stream.tee();
    const types = (async () => {
      const seen = [];
      for await (const chunk of chunks) seen.push(chunk.type);
      return seen;
    })();
    let last;
    for await (const state of readUIMessageStream({ stream: copy })) last = state;
    return { types: await types, message: told([last])[0] };
  },

  /** Ask, make the reply anew, edit the question, go on. */
  async conversation() {
    const chat = new Chat(newId());
    await chat.sendMessage({ text: questions[0], metadata: { color: 'azul' } });
    const asked = told(chat.messages);
    await chat.regenerate();
    const regenerated = told(chat.messages);
    await chat.sendMessage({ messageId: chat.messages[0].id, text: questions[1] });
    const edited = told(chat.messages);
    await chat.sendMessage({ text: questions[2] });
    await chat.regenerate({ messageId: chat.messages[1].id });
    const again = told(chat.messages);
    return { asked, regenerated, edited, again, stored: told(await history(chat.id)), status: chat.status, errors: chat.errors };
  },

  /** Another tab comes in mid-reply; when all is over, a third. */
  async resume() {
    const chat = new Chat(newId());
    const sent = chat.sendMessage({ text: questions[0] });
    await begun(chat);
    const other = new Chat(chat.id, await history(chat.id));
    const before = told(other.messages);
    await other.resumeStream();
    await sent;
    const third = new Chat(chat.id, await history(chat.id));
    await third.resumeStream();
    const nobody = new Chat(newId());
    await nobody.resumeStream();
    return {
      chat: told(chat.messages), before, other: told(other.messages), third: told(third.messages),
      statuses: [chat, other, third, nobody].map(one => one.status), errors: [chat, other, third, nobody].flatMap(one => one.errors),
    };
  },

  /** The server is told to stop: the stream ends by itself. */
  async stop() {
    const chat = new Chat(newId());
    const sent = chat.sendMessage({ text: questions[0] });
    await begun(chat);
    const stopped = await open(`${chat.id}/stop`, { method: 'POST' });
    await sent;
    return { answer: stopped.status, messages: told(chat.messages), stored: told(await history(chat.id)), status: chat.status, errors: chat.errors };
  },

  /** The model breaks off; asked anew, it does not. */
  async error() {
    const chat = new Chat(newId());
    await chat.sendMessage({ text: questions[0] });
    const failed = { messages: told(chat.messages), status: chat.status };
    await chat.regenerate();
    return { failed, messages: told(chat.messages), status: chat.status, errors: chat.errors };
  },

  /** What is refused before the stream. */
  async refused() {
    const chat = new Chat(newId());
    await chat.sendMessage({ text: 'Mira', files: [{ type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,AAAA' }] });
    return { status: chat.status, errors: chat.errors };
  },
};

console.log(JSON.stringify(await scenes[scene]()));
