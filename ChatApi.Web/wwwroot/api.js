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

async function call(method, path, { body, headers, signal } = {}) {
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
        ...(body && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      body: body && JSON.stringify(body),
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

export const signIn = (email, password) => value(json('POST', 'api/auth/login', { body: { email, password } }));

export const register = (email, password, name) =>
  value(json('POST', 'api/auth/register', { body: { email, password, ...(name && { name }) } }));

/** A page of sessions, last active first: `{ value, next }`. */
export const sessions = next => json('GET', next ?? 'api/chat/sessions');

export const getSession = (id, signal) => value(json('GET', session(id), { signal }));
export const createSession = (title, signal) =>
  value(json('POST', 'api/chat/realtime/sessions', { body: { ...(title && { title }) }, signal }));
export const renameSession = (id, title) => value(json('PATCH', session(id), { body: { title } }));
export const deleteSession = id => value(json('DELETE', session(id)));

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

/** Starts a run, or finds the one that was started with the same key. */
export const startRun = (id, content, key, signal) =>
  call('POST', `${realtime(id)}/stream`, { body: { content }, headers: { ...events, 'Idempotency-Key': key }, signal });

/** The run of a session from its beginning, or what comes after a cursor; null when nothing runs. */
export async function attach(id, cursor, signal) {
  const query = cursor ? `?run_id=${encodeURIComponent(cursor.run)}&after=${cursor.seq}` : '';
  const response = await call('GET', `${realtime(id)}/stream${query}`, { headers: events, signal });
  return response.status === 204 ? null : response;
}

export const stopRun = (id, run) => value(json('POST', `${realtime(id)}/stop`, { body: { run_id: run } }));
