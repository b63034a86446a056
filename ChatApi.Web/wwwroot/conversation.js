// The open conversation: its messages, what is sent, and the reply in the making.

import * as api from './api.js';
import { announce } from './announcer.js';
import { Composer } from './composer.js';
import { ask, watch } from './follow.js';
import { MessageView } from './messages.js';
import { clearNotice, notify, notifyAgain } from './notice.js';
import { Reader } from './reader.js';
import { t } from './texts.js';

const log = document.getElementById('log');
const welcome = document.getElementById('welcome');
const loading = document.getElementById('loading');
const notice = document.getElementById('chat-notice');

export class Conversation {
  #reader = new Reader(document.getElementById('scroller'), log, document.getElementById('to-bottom'));
  #composer = new Composer({
    send: content => this.#send(content),
    edit: (view, content) => this.#edit(view, content),
    stop: () => this.#stop(),
  });
  #callbacks;
  #id = null;
  #open = new AbortController();
  #attention = new AbortController();
  #run = null;
  #stopWanted = false;
  #unsent = null;
  #views = [];
  #reply = null;

  /** @param {{ created: (session: object, beginning: string) => void, active: (id: string) => void, complete: (id: string) => void, gone: () => void }} callbacks */
  constructor(callbacks) {
    this.#callbacks = callbacks;
    for (const suggestion of document.querySelectorAll('.suggestion')) {
      suggestion.addEventListener('click', () => this.#send(suggestion.textContent));
    }
  }

  get id() {
    return this.#id;
  }

  /** Nothing is followed any more. What the server is doing goes on there. */
  close() {
    this.#open.abort();
    this.#open = new AbortController();
    this.#id = null;
    this.#endReply();
    this.#composer.ready = true;
    this.#composer.edit(null);
    this.#views = [];
    clearNotice(notice);
    log.replaceChildren();
    welcome.hidden = true;
    loading.hidden = true;
  }

  forgetDraft() {
    this.#unsent = null;
    this.#composer.edit(null);
    this.#composer.content = '';
  }

  startNew() {
    this.close();
    welcome.hidden = false;
    this.#composer.focus();
  }

  /** Shows a session, and goes on with the reply that is being made in it, if one is. */
  async open(id) {
    this.close();
    this.#id = id;
    const { signal } = this.#open;
    loading.hidden = false;
    this.#composer.ready = false;
    try {
      await this.#load(signal);
    } catch (error) {
      if (signal.aborted) return;
      loading.hidden = true;
      if (error.status === 404) this.#callbacks.gone();
      else notifyAgain(notice, error, () => this.open(id));
      return;
    }
    this.#composer.ready = true;
    this.#reader.toEnd();
    this.#composer.focus();
    await this.#follow(options => watch(id, options));
  }

  async #load(signal) {
    const messages = await api.messages(this.#id, signal);
    signal.throwIfAborted();
    loading.hidden = true;
    this.#views = messages.map(message => this.#view(message));
    log.replaceChildren(...this.#views.map(view => view.element));
    const last = this.#views.at(-1);
    if (last?.status === 'interrupted' || last?.status === 'failed') this.#offerAgain(last);
  }

  #view(message) {
    return new MessageView(message, {
      regenerate: view => this.#regenerate(view),
      edit: view => this.#composer.edit(view),
      show: id => this.#show(id),
      rate: (view, rating) => this.#rate(view, rating),
    });
  }

  /** The reply, and what follows it, give way to another one; they stay on their branch. */
  #regenerate(view) {
    this.#askAnew(this.#views.indexOf(view), { door: 'regenerate', body: { message_id: view.id } });
  }

  /** The question, and what follows it, give way to another one; they stay on their branch. */
  #edit(view, content) {
    this.#askAnew(this.#views.indexOf(view), { door: 'edit', body: { message_id: view.id, content } }, content);
  }

  async #askAnew(index, request, content = null) {
    if (this.#reply || index < 0) return;
    const { signal } = this.#open;
    const { id } = this.#views[index];
    clearNotice(notice);
    this.#composer.replying = true;
    for (const view of this.#views.splice(index)) view.element.remove();
    const key = newKey();
    const isBegun = await this.#follow(options => ask(this.#id, request, key, options), null, true);
    if (signal.aborted) return;
    // Only the server knows the siblings.
    await this.#catchUp(signal);
    if (signal.aborted || isBegun || content === null) return;
    // Nothing was stored: the text goes back to where it was written.
    this.#composer.edit(this.#views.find(view => view.id === id) ?? null);
    this.#composer.content = content;
  }

  /** Shows the branch that goes through another message in this place. */
  async #show(id) {
    if (this.#reply) return;
    const { signal } = this.#open;
    clearNotice(notice);
    try {
      await api.showBranch(this.#id, id);
      await this.#load(signal);
      this.#views.find(view => view.id === id)?.focusSiblings();
    } catch (error) {
      if (!signal.aborted) notify(notice, () => error.sentence());
    }
  }

  async #rate(view, rating) {
    const { signal } = this.#open;
    try {
      await api.rate(view.id, rating);
      view.rating = rating;
      announce(t(rating ? 'rate.done' : 'rate.removed'));
    } catch (error) {
      if (!signal.aborted) notify(notice, () => error.sentence());
    }
  }

  async #send(content) {
    const { signal } = this.#open;
    clearNotice(notice);
    this.#views.at(-1)?.withdrawOffer();
    this.#composer.replying = true;
    welcome.hidden = true;
    const question = this.#add(this.#view({ role: 'user', content }));
    this.#reader.toEnd();
    // The same text after a refusal is the same message: should the server have taken it after all, it is found again.
    if (this.#unsent?.content !== content || this.#unsent.id !== this.#id) this.#unsent = { content, key: newKey() };
    const { key } = this.#unsent;
    try {
      if (!this.#id) {
        const session = await api.createSession(signal);
        signal.throwIfAborted();
        this.#id = this.#unsent.id = session.id;
        // The server makes a title after the reply.
        this.#callbacks.created(session, titleOf(content));
      }
    } catch (error) {
      this.#refused(error, question, signal);
      return;
    }
    this.#unsent.id = this.#id;
    await this.#follow(options => ask(this.#id, { door: 'stream', body: { content } }, key, options), question);
  }

  /**
   * Shows the events of a run, one run at a time. With a question it is one that this page asked for; anew, one that was asked before.
   * @returns {Promise<boolean>} whether a reply was begun
   */
  async #follow(events, question = null, isAnew = false) {
    this.#attention.abort();
    this.#attention = new AbortController();
    const signal = AbortSignal.any([this.#open.signal, this.#attention.signal]);
    let reply = null;
    let ended = false;
    let failure = null;
    try {
      for await (const event of events({ signal, onBroken: () => this.#broken() })) {
        if (event.type === 'start') {
          reply = await this.#begin(event, signal, question);
        } else if (event.type === 'content') {
          reply.clearExplanation();
          reply.append(event.content);
        } else if (event.type === 'done') {
          ended = true;
          this.#done(reply, event);
        } else if (event.type === 'error') {
          ended = true;
          this.#failed(reply, event);
          if (isAnew) notify(notice, () => new api.ApiError({ code: event.code, message: event.error }).sentence());
        }
      }
    } catch (error) {
      if (question && !reply) {
        this.#refused(error, question, signal);
        return false;
      }
      if (!(error instanceof api.ApiError) && !signal.aborted) console.error(error);
      failure = error;
    }
    const isBegun = reply !== null;
    if (signal.aborted) return isBegun;
    if (isAnew && failure && !reply) notify(notice, () => failure.sentence?.() ?? t('error.network'));
    const unclear = reply || failure || this.#views.at(-1)?.status === 'running';
    if (!ended && unclear) await this.#catchUp(signal);
    if (!signal.aborted) this.#endReply();
    return isBegun;
  }

  async #begin(event, signal, question) {
    if (question) {
      question.id = event.user_message_id;
      this.#unsent = null;
    } else if (!this.#views.some(view => view.id === event.user_message_id)) {
      // The run began after the messages were read.
      await this.#load(signal);
    }
    const reply = this.#views.find(view => view.id === event.message_id)
      ?? this.#add(this.#view({ id: event.message_id, role: 'assistant', content: '' }));
    reply.content = '';
    reply.begin();
    this.#reply = reply;
    this.#run = event.run_id;
    this.#composer.replying = true;
    if (this.#stopWanted) this.#stop();
    announce(t('message.replying'));
    this.#callbacks.active(this.#id);
    return reply;
  }

  #done(reply, event) {
    reply.content = event.full_content ?? reply.content;
    reply.end(event.finish_reason === 'stopped' ? 'stopped' : 'completed', event.finish_reason);
    announce(t('message.reply', { text: reply.words }));
    this.#callbacks.active(this.#id);
    this.#callbacks.complete(this.#id);
  }

  #failed(reply, event) {
    reply.end(event.code === 'interrupted' ? 'interrupted' : 'failed');
    const error = new api.ApiError({ code: event.code, message: event.error });
    reply.explain(() => error.sentence());
    if (event.retryable) this.#offerAgain(reply);
    announce(`${t('message.reply', { text: reply.words })} ${error.sentence()}`);
  }

  /** The question goes to the server once more, as a new message: nothing that was said before is lost. */
  #offerAgain(reply) {
    const question = this.#views.slice(0, this.#views.indexOf(reply)).findLast(view => view.role === 'user');
    if (question) reply.offer({ text: () => t('message.again'), run: () => this.#sendAgain(question.content) });
  }

  #sendAgain(content) {
    if (this.#reply) return;
    this.#composer.focus();
    this.#send(content);
  }

  /** Nothing was stored: the text goes back to where it was written. */
  #refused(error, question, signal) {
    if (!signal.aborted || error.status === 401) this.#composer.giveBack(question.content);
    if (signal.aborted) return;
    question.element.remove();
    this.#views.splice(this.#views.indexOf(question), 1);
    this.#endReply();
    welcome.hidden = this.#id !== null;
    if (error.code === 'run_in_progress') {
      this.open(this.#id);
      notify(notice, () => t('error.kept', { sentence: error.sentence() }), null, 'info');
    } else if (error.status === 404) {
      this.#callbacks.gone();
    } else {
      notify(notice, () => t('error.kept', { sentence: error.sentence() }));
    }
  }

  #broken() {
    this.#reply?.explain(() => t('message.reconnecting'));
  }

  /** The end of the run was not seen: what has been stored tells what became of it. */
  async #catchUp(signal) {
    try {
      await this.#load(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (this.#reply) this.#reply.explain(() => error.sentence(), this.#reconnect());
      else notifyAgain(notice, error, () => this.open(this.#id));
      return;
    }
    const last = this.#views.at(-1);
    if (last?.status === 'running') last.explain(() => t('message.running'), this.#reconnect());
  }

  #reconnect() {
    return { text: () => t('message.reconnect'), run: () => this.open(this.#id) };
  }

  async #stop() {
    this.#stopWanted = true;
    if (!this.#run) return;
    const { signal } = this.#open;
    try {
      await api.stopRun(this.#id, this.#run);
    } catch (error) {
      if (signal.aborted) return;
      this.#stopWanted = false;
      this.#composer.stopping = false;
      notify(notice, () => error.sentence());
    }
  }

  #endReply() {
    this.#reply = this.#run = null;
    this.#stopWanted = false;
    this.#composer.replying = false;
  }

  #add(view) {
    this.#views.push(view);
    log.append(view.element);
    return view;
  }
}

/** crypto.randomUUID is only there over https and on localhost. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
}

/** The beginning of the first message, until there is a title. */
function titleOf(content) {
  const line = [...content.replace(/[\p{Cc}\s]+/gu, ' ').trim()];
  return line.length <= 60 ? line.join('') : `${line.slice(0, 59).join('')}…`;
}
