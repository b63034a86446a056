// The calls to the API that the page makes, and what can go wrong with them.

import { token } from './account.js';
import { known, t } from './texts.js';

const patience = 30_000;

/** An answer that is not a success, or (status 0) none at all. */
export class ApiError extends Error {
  constructor({ status = 0, code = null, message = '', errors = {}, retryAfter = null }) {
    super(message);
    Object.assign(this, { status, code, errors, retryAfter });
  }

  /** Whether the same may well succeed a little later. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  /** For people: translated where the code is known, otherwise the server's own words. */
  sentence() {
    const sentence = known(`error.${this.code}`) ? t(`error.${this.code}`)
      : this.message || t('error.status', { status: this.status });
    return this.retryAfter ? t('error.after', { sentence, seconds: this.retryAfter }) : sentence;
  }

  static network() {
    return new ApiError({ code: 'network' });
  }

  static async from(response) {
    let problem = null;
    try {
      problem = await response.json();
    } catch {
      // A proxy's page, perhaps: the status has to do.
    }
    const seconds = Number.parseInt(response.headers.get('Retry-After'), 10);
    return new ApiError({
      status: response.status,
      code: problem?.code,
      message: problem?.error ?? problem?.detail,
      errors: problem?.errors ?? {},
      retryAfter: seconds > 0 ? seconds : null,
    });
  }
}

// Relative to the page, so that it also works where the application is served under a path.
const address = path => new URL(path, document.baseURI).href;

const onSignedOut = new Set();

/** Calls back when the server does not accept the token (any more). */
export const whenSignedOut = callback => onSignedOut.add(callback);

async function call(method, path, { body, file, headers, signal } = {}) {
  const bearer = token();
  let response;
  try {
    response = await fetch(address(path), {
      method,
      signal,
      cache: 'no-store',
      credentials: 'omit',
      headers: {
        ...(bearer && { Authorization: `Bearer ${bearer}` }),
        ...((body || file) && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      body: file ?? (body && JSON.stringify(body)),
    });
  } catch (error) {
    throw error.name === 'AbortError' ? error : ApiError.network();
  }
  if (response.ok) return response;
  const error = await ApiError.from(response);
  if (error.status === 401 && bearer && bearer === token()) onSignedOut.forEach(callback => callback());
  throw error;
}

async function json(method, path, { body, signal } = {}) {
  const inTime = AbortSignal.timeout(patience);
  const response = await call(method, path, { body, signal: signal ? AbortSignal.any([signal, inTime]) : inTime });
  try {
    return { value: await response.json(), next: nextPage(response) };
  } catch (error) {
    throw error.name === 'AbortError' ? error : ApiError.network();
  }
}

/** The next page's path. Only path and query are taken from the link: the token goes to no other host. */
function nextPage(response) {
  const link = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(response.headers.get('Link') ?? '');
  if (!link) return null;
  const url = new URL(link[1], response.url);
  return url.pathname + url.search;
}

const value = async request => (await request).value;
const session = id => `api/chat/sessions/${encodeURIComponent(id)}`;
const realtime = id => `api/chat/realtime/sessions/${encodeURIComponent(id)}`;
const events = { Accept: 'text/event-stream' };

/** What the demo account is signed in with; null where there is none, or where that cannot be said now. */
export async function demoAccount() {
  try {
    const response = await call('GET', 'demo-account');
    return response.status === 204 ? null : await response.json();
  } catch {
    return null;
  }
}

export const signIn = (email, password) => value(json('POST', 'api/auth/login', { body: { email, password } }));

export const register = (email, password, name) =>
  value(json('POST', 'api/auth/register', { body: { email, password, ...(name && { name }) } }));

/**
 * A page of sessions, last active first, or of those in which the words are found: `{ value, next }`.
 * @param {{ words?: string, filter?: 'active' | 'pinned' | 'archived' | 'deleted' }} wanted
 */
export const sessions = (next, { words = '', filter = 'active' } = {}) => {
  const query = new URLSearchParams({ ...(words && { q: words }), ...(filter !== 'active' && { [filter]: 'true' }) });
  return json('GET', next ?? `api/chat/sessions?${query}`);
};

export const getSession = (id, signal) => value(json('GET', session(id), { signal }));
export const createSession = signal => value(json('POST', 'api/chat/realtime/sessions', { body: {}, signal }));
export const changeSession = (id, changes) => value(json('PATCH', session(id), { body: changes }));
export const deleteSession = id => value(json('DELETE', session(id)));
export const restoreSession = id => value(json('POST', `${session(id)}/restore`));
export const shareSession = (id, days) =>
  value(json('POST', `${session(id)}/share`, { body: days ? { expires_in_days: days } : {} }));
export const shares = () => value(json('GET', 'api/chat/shares'));
export const revokeShare = id => value(json('DELETE', `api/chat/shares/${encodeURIComponent(id)}`));
export const models = () => value(json('GET', 'api/chat/models'));
export const usage = () => value(json('GET', 'api/chat/usage'));

/** A session as a file: `{ blob, name }`. */
export const exportSession = (id, format) =>
  download(`${session(id)}/export?format=${format}`, `chat.${format === 'markdown' ? 'md' : 'json'}`);

/** All that somebody has said and heard, as a file. */
export const exportAll = () => download('api/chat/export', 'chats.json');

/** Takes in a file: `{ sessions, messages }`. */
export const importFile = async file => (await call('POST', 'api/chat/import', { file })).json();

async function download(path, name) {
  const response = await call('GET', path);
  return { blob: await response.blob(), name: fileName(response) ?? name };
}

function fileName(response) {
  const header = response.headers.get('Content-Disposition') ?? '';
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(header)?.[1];
  return encoded ? decodeURIComponent(encoded) : /filename="?([^";]+)"?/i.exec(header)?.[1];
}

const message = id => `api/chat/messages/${encodeURIComponent(id)}`;

/** What its reader thinks of a reply: `up`, `down`, or null to take it back. */
export const rate = (id, rating) => value(rating
  ? json('PUT', `${message(id)}/feedback`, { body: { rating } })
  : json('DELETE', `${message(id)}/feedback`));

/** Shows the branch that goes through a message. */
export const showBranch = (id, messageId) => value(json('PUT', `${session(id)}/branch`, { body: { message_id: messageId } }));

/** All messages of a session, oldest first. */
export async function messages(id, signal) {
  const all = [];
  let next = `${session(id)}/messages?limit=200`;
  while (next) {
    const page = await json('GET', next, { signal });
    all.push(...page.value);
    next = page.next;
  }
  return all;
}

/**
 * Starts a run, or finds the one that was started with the same key.
 * @param {{ door: 'stream' | 'edit' | 'regenerate', body: object }} request
 */
export const startRun = (id, { door, body }, key, signal) =>
  call('POST', `${realtime(id)}/${door}`, { body, headers: { ...events, 'Idempotency-Key': key }, signal });

/** The run of a session from its beginning, or what comes after a cursor; null when nothing runs. */
export async function attach(id, cursor, signal) {
  const query = cursor ? `?run_id=${encodeURIComponent(cursor.run)}&after=${cursor.seq}` : '';
  const response = await call('GET', `${realtime(id)}/stream${query}`, { headers: events, signal });
  return response.status === 204 ? null : response;
}

export const stopRun = (id, run) => value(json('POST', `${realtime(id)}/stop`, { body: { run_id: run } }));
