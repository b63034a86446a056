// The list of sessions.

import { announce } from './announcer.js';
import * as api from './api.js';
import { clearNotice, notify, notifyAgain } from './notice.js';
import { once } from './once.js';
import { say, shortTime, t } from './texts.js';

const list = document.getElementById('session-list');
const empty = document.getElementById('sessions-empty');
const more = document.getElementById('more-sessions');
const notice = document.getElementById('sessions-notice');
const template = document.getElementById('session-template');
const search = document.getElementById('search');
const nothing = document.getElementById('search-empty');
const filter = document.getElementById('session-filter');
const typing = 300;

export class SessionList {
  #entries = new Map();
  #next = null;
  #current = null;
  #age = 0;
  #words = '';
  #restored;

  /** @param {{ restored: (session: object) => void }} callbacks */
  constructor({ restored }) {
    this.#restored = restored;
    let timer;
    search.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#search(), typing);
    });
    search.form.addEventListener('submit', event => {
      event.preventDefault();
      clearTimeout(timer);
      this.#search();
    });
    more.addEventListener('click', () => once([more], () => this.#loadMore()));
    filter.addEventListener('change', () => {
      // What is in the trash is not searched.
      search.disabled = filter.value === 'deleted';
      if (search.disabled) search.value = this.#words = '';
      this.load();
    });
  }

  #search() {
    const words = search.value.trim();
    if (words === this.#words) return;
    this.#words = words;
    this.load();
  }

  /** The first page, in place of what is there. */
  async load() {
    this.clear();
    await this.#page();
  }

  /** For somebody else. */
  reset() {
    search.value = this.#words = '';
    search.disabled = false;
    filter.value = 'active';
    this.clear();
  }

  clear() {
    this.#age++;
    this.#entries.clear();
    this.#next = null;
    list.replaceChildren();
    empty.hidden = true;
    nothing.hidden = true;
    more.hidden = true;
    clearNotice(notice);
  }

  find(id) {
    return this.#entries.get(id)?.session;
  }

  /** A new session, or another state of one that may be here: the last active goes first. */
  put(session) {
    if (!isListed(session)) return;
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

  /** Another state of one that may be here, in its place. */
  change(session) {
    const before = this.#entries.get(session.id)?.element;
    if (!before && isListed(session)) this.load();
    else if (before && !isListed(session)) this.remove(session.id);
    else before?.replaceWith(this.#entry(session));
  }

  touch(id) {
    const entry = this.#entries.get(id);
    if (entry) this.put({ ...entry.session, last_message_at: new Date().toISOString() });
  }

  remove(id) {
    this.#entries.get(id)?.element.remove();
    this.#entries.delete(id);
    empty.hidden = this.#entries.size > 0 || this.#next !== null || this.#words !== '';
  }

  set current(id) {
    this.#current = id;
    for (const [key, { element }] of this.#entries) mark(element, key === id);
  }

  async #restore({ id }) {
    try {
      const session = await api.restoreSession(id);
      this.remove(id);
      this.#restored(session);
    } catch (error) {
      if (error.status !== 401) notify(notice, () => error.sentence());
    }
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
      const { value, next } = await api.sessions(this.#next, { words: this.#words, filter: filter.value });
      if (age !== this.#age) return;
      this.#next = next;
      // One that moved up meanwhile is in two pages.
      list.append(...value.filter(session => !this.#entries.has(session.id)).map(session => this.#entry(session)));
      more.hidden = next === null;
      empty.hidden = this.#entries.size > 0 || this.#words !== '';
      nothing.hidden = this.#entries.size > 0 || this.#words === '';
      if (this.#words) announce(t('search.found', { count: this.#entries.size, more: next ? '+' : '' }));
    } catch (error) {
      if (age === this.#age && error.status !== 401) notifyAgain(notice, error, () => this.#page());
    }
  }

  #entry(session) {
    const element = template.content.firstElementChild.cloneNode(true);
    const time = element.querySelector('time');
    const at = session.last_message_at ?? session.created_at;
    const restore = element.querySelector('.restore');
    restore.hidden = !session.deleted_at;
    if (session.deleted_at) {
      say(restore, () => t('sessions.restore'));
      restore.addEventListener('click', () => once([restore], () => this.#restore(session)));
    } else {
      element.querySelector('a').href = `#/sessions/${session.id}`;
    }
    const pinned = element.querySelector('.pinned');
    pinned.setAttribute('aria-label', t('sessions.pinned'));
    pinned.toggleAttribute('hidden', !session.pinned);
    element.querySelector('.session-name').textContent = session.title;
    const snippet = element.querySelector('.snippet');
    snippet.textContent = session.snippet?.text ?? '';
    snippet.hidden = !session.snippet;
    time.dateTime = at;
    say(time, () => shortTime(at));
    this.#entries.set(session.id, { session, element });
    mark(element, session.id === this.#current);
    return element;
  }
}

/** Whether the list shows what a session is now. */
function isListed(session) {
  if (session.deleted_at || filter.value === 'deleted') return Boolean(session.deleted_at) && filter.value === 'deleted';
  if (filter.value === 'archived') return session.archived;
  return !session.archived && (filter.value === 'active' || session.pinned);
}

function mark(element, current) {
  const link = element.querySelector('a');
  if (current) link.setAttribute('aria-current', 'page');
  else link.removeAttribute('aria-current');
}
