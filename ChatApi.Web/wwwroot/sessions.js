// The list of sessions.

import * as api from './api.js';
import { clearNotice, notifyAgain } from './notice.js';
import { once } from './once.js';
import { say, shortTime } from './texts.js';

const list = document.getElementById('session-list');
const empty = document.getElementById('sessions-empty');
const more = document.getElementById('more-sessions');
const notice = document.getElementById('sessions-notice');
const template = document.getElementById('session-template');

export class SessionList {
  #entries = new Map();
  #next = null;
  #current = null;
  #age = 0;

  constructor() {
    more.addEventListener('click', () => once([more], () => this.#loadMore()));
  }

  /** The first page, in place of what is there. */
  async load() {
    this.clear();
    await this.#page();
  }

  clear() {
    this.#age++;
    this.#entries.clear();
    this.#next = null;
    list.replaceChildren();
    empty.hidden = true;
    more.hidden = true;
    clearNotice(notice);
  }

  find(id) {
    return this.#entries.get(id)?.session;
  }

  /** A new session, or another state of one that may be here: the last active goes first. */
  put(session) {
    const before = this.#entries.get(session.id)?.element;
    const element = this.#entry(session);
    if (before === list.firstElementChild && before) {
      // In its place already, and perhaps with the focus in it.
      before.querySelector('time').replaceWith(element.querySelector('time'));
      this.#entries.set(session.id, { session, element: before });
    } else {
      before?.remove();
      list.prepend(element);
    }
    empty.hidden = true;
  }

  rename({ id, title }) {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.session.title = title;
    entry.element.querySelector('.session-name').textContent = title;
  }

  touch(id) {
    const entry = this.#entries.get(id);
    if (entry) this.put({ ...entry.session, last_message_at: new Date().toISOString() });
  }

  remove(id) {
    this.#entries.get(id)?.element.remove();
    this.#entries.delete(id);
    empty.hidden = this.#entries.size > 0 || this.#next !== null;
  }

  set current(id) {
    this.#current = id;
    for (const [key, { element }] of this.#entries) mark(element, key === id);
  }

  async #loadMore() {
    const before = list.lastElementChild;
    await this.#page();
    // The button may be gone now, and the focus with it.
    before?.nextElementSibling?.querySelector('a').focus();
  }

  async #page() {
    const age = this.#age;
    try {
      const { value, next } = await api.sessions(this.#next);
      if (age !== this.#age) return;
      this.#next = next;
      // One that moved up meanwhile is in two pages.
      list.append(...value.filter(session => !this.#entries.has(session.id)).map(session => this.#entry(session)));
      more.hidden = next === null;
      empty.hidden = this.#entries.size > 0;
    } catch (error) {
      if (age === this.#age && error.status !== 401) notifyAgain(notice, error, () => this.#page());
    }
  }

  #entry(session) {
    const element = template.content.firstElementChild.cloneNode(true);
    const time = element.querySelector('time');
    const at = session.last_message_at ?? session.created_at;
    element.querySelector('a').href = `#/sessions/${session.id}`;
    element.querySelector('.session-name').textContent = session.title;
    time.dateTime = at;
    say(time, () => shortTime(at));
    this.#entries.set(session.id, { session, element });
    mark(element, session.id === this.#current);
    return element;
  }
}

function mark(element, current) {
  const link = element.querySelector('a');
  if (current) link.setAttribute('aria-current', 'page');
  else link.removeAttribute('aria-current');
}
