// One reply in the making, followed from its start to its end over as many connections as it takes.

import { ApiError, attach, startRun } from './api.js';
import { readEvents } from './stream.js';

// A server that died is noticed by the others within 30 s: the waits add up to more than that.
const waits = [500, 1000, 2000, 4000, 8000, 8000, 8000, 8000];

// The server says something every 15 s: after three such silences nobody is there, whatever the socket believes.
const silence = 45_000;

/** Whether nothing comes after this event. */
export const isLast = event => event.type === 'done' || event.type === 'error';

/**
 * Asks for a reply and follows it.
 * @param {string} key makes it safe to ask again when the answer got lost: the server starts one run for it
 */
export const ask = (id, request, key, options) =>
  follow(signal => startRun(id, request, key, signal), id, { ...options, asking: true });

/** Follows the reply that is being made in a session; ends at once when there is none. */
export const watch = (id, options) => follow(signal => attach(id, null, signal), id, options);

/**
 * Ends after the terminal event, or without one when the server knows nothing of the run.
 * @throws {ApiError} a refusal, or the last failure after which it gave up
 */
async function* follow(connect, id, { signal, onBroken = () => {}, asking = false }) {
  let cursor = null;
  for (let failures = 0; ;) {
    let failure = ApiError.network();
    const connection = new AbortController();
    const watchdog = new Watchdog(() => connection.abort());
    try {
      const both = AbortSignal.any([signal, connection.signal]);
      const response = await (cursor ? attach(id, cursor, both) : connect(both));
      if (!response) return;
      for await (const event of readEvents(response.body, () => watchdog.rearm())) {
        if (event.run_id) cursor ??= { run: event.run_id, seq: 0 };
        // What is already here is not taken twice, should the server replay a little more than was asked for.
        if (event.type === 'content' && cursor) {
          if (event.seq <= cursor.seq) continue;
          cursor.seq = event.seq;
        }
        failures = 0;
        yield event;
        if (isLast(event)) return;
      }
    } catch (error) {
      if (signal.aborted) throw error;
      if (error instanceof ApiError) {
        // A question that the server refuses has not been asked; a broken connection says nothing.
        if (!error.passing || (asking && !cursor && error.status !== 0)) throw error;
        failure = error;
      }
    } finally {
      watchdog.stop();
      connection.abort();
    }
    // Somebody waits for the question to be taken at all: that is told soon.
    if (failures === (asking && !cursor ? 2 : waits.length)) throw failure;
    onBroken();
    await pause(Math.max(waits[failures++] * (0.75 + Math.random() / 2), (failure.retryAfter ?? 0) * 1000), signal);
  }
}

class Watchdog {
  #bark;
  #timer;

  constructor(bark) {
    this.#bark = bark;
    this.rearm();
  }

  rearm() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#bark, silence);
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

/** Waits, but not longer than until the network is back. */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, Math.min(milliseconds, 30_000));
    addEventListener('online', end);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
