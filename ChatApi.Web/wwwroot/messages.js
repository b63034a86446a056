// One message on the page.

import { copy } from './copy.js';
import { MarkdownView } from './markdown/view.js';
import { say, t, translate } from './texts.js';

const template = document.getElementById('message-template');

export class MessageView {
  #text;
  #markdown = null;
  #state;
  #again;
  #copy;
  #content = '';
  #frame = null;
  #act = null;
  #id;
  #tools;
  #rating = null;

  /**
   * @param {{ id?: string, role: string, content: string, status?: string, finish_reason?: string, sibling_ids?: string[], sibling_index?: number,
   *   feedback?: { rating: string } | null }} message
   * @param {{ regenerate: (view: MessageView) => void, edit: (view: MessageView) => void, show: (id: string) => void,
   *   rate: (view: MessageView, rating: string | null) => void }} callbacks
   */
  constructor({ id, role, content, status = 'completed', finish_reason: finishReason, ...message }, callbacks) {
    this.#id = id;
    this.role = role;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.#text = this.element.querySelector('.text');
    this.#state = this.element.querySelector('.state');
    this.#again = this.element.querySelector('.again');
    this.#again.addEventListener('click', () => this.#act());
    this.#copy = this.element.querySelector('.copy-reply');
    this.#copy.addEventListener('click', () => copy(this.#copy, this.#content));
    this.#tools = this.element.querySelector('.message-tools');
    const on = (selector, action) => this.element.querySelector(selector).addEventListener('click', action);
    on('.regenerate', () => callbacks.regenerate(this));
    on('.edit', () => callbacks.edit(this));
    for (const button of this.element.querySelectorAll('.rate')) {
      button.hidden = role !== 'assistant';
      button.addEventListener('click', () => callbacks.rate(this, this.#rating === button.value ? null : button.value));
    }
    this.element.querySelector('.regenerate').hidden = role !== 'assistant';
    this.element.querySelector('.edit').hidden = role !== 'user';
    this.#showSiblings(message.sibling_ids ?? [], message.sibling_index ?? 1, callbacks.show);
    this.rating = message.feedback?.rating ?? null;
    // People's words are shown as they wrote them.
    if (role === 'assistant') {
      // Each block has its own direction.
      this.#text.removeAttribute('dir');
      this.#markdown = new MarkdownView(this.#text);
      this.#text.addEventListener('click', event => this.#copyCode(event.target.closest('.copy')));
    }
    this.element.classList.add(role);
    this.element.querySelector('h2').dataset.text = `message.${role}`;
    translate(this.element);
    this.content = content;
    this.end(status, finishReason);
  }

  get id() {
    return this.#id;
  }

  /** The server has it now. */
  set id(id) {
    this.#id = id;
    this.#show();
  }

  set rating(rating) {
    this.#rating = rating;
    for (const button of this.element.querySelectorAll('.rate')) button.ariaPressed = String(button.value === rating);
  }

  /** Where the eye and the keyboard were before another branch was shown. */
  focusSiblings() {
    const buttons = [...this.element.querySelectorAll('.siblings button')];
    (buttons.find(button => !button.disabled) ?? buttons[0])?.focus();
  }

  /** What was written: of a reply, Markdown. */
  get content() {
    return this.#content;
  }

  /** What is to be read. */
  get words() {
    return this.#text.innerText;
  }

  set content(text) {
    this.#content = text;
    this.#show();
  }

  /** Adds to a growing text; the page is touched once per frame, however fast the pieces come. */
  append(text) {
    this.#content += text;
    this.#frame ??= requestAnimationFrame(() => this.#show());
  }

  /** The reply is being made. */
  begin() {
    this.#mark('running');
    this.element.setAttribute('aria-busy', 'true');
  }

  /** The reply is as complete as it will ever be; what is not whole says so. */
  end(status, finishReason) {
    if (status === 'running') {
      this.begin();
      return;
    }
    this.#mark(status);
    this.#show();
    this.element.removeAttribute('aria-busy');
    if (status !== 'completed') this.explain(() => t(`message.${status}`));
    else if (finishReason === 'length') this.explain(() => t('message.length'));
  }

  /** A line below the text, with at most one thing to do about it. */
  explain(sentence, action) {
    this.#state.hidden = false;
    say(this.#state.querySelector('.state-text'), sentence);
    if (action) this.offer(action);
    else this.withdrawOffer();
  }

  clearExplanation() {
    this.#state.hidden = true;
  }

  offer(action) {
    this.#act = action.run;
    this.#again.hidden = false;
    say(this.#again, action.text);
  }

  withdrawOffer() {
    this.#again.hidden = true;
  }

  get status() {
    return this.element.dataset.status;
  }

  #mark(status) {
    this.element.dataset.status = status;
    this.clearExplanation();
    this.withdrawOffer();
  }

  #show() {
    cancelAnimationFrame(this.#frame);
    this.#frame = null;
    const open = this.status === 'running';
    if (this.#markdown) this.#markdown.show(this.#content, open);
    else this.#text.textContent = this.#content;
    this.#copy.hidden = !this.#markdown || open || this.#content === '';
    this.#tools.hidden = open || !this.#id;
  }

  #showSiblings(ids, index, show) {
    const group = this.element.querySelector('.siblings');
    group.hidden = ids.length < 2;
    if (group.hidden) return;
    say(group.querySelector('.sibling-index'), () => t('branch.index', { index, count: ids.length }));
    const [previous, next] = group.querySelectorAll('button');
    previous.disabled = index <= 1;
    next.disabled = index >= ids.length;
    previous.addEventListener('click', () => show(ids[index - 2]));
    next.addEventListener('click', () => show(ids[index]));
  }

  #copyCode(button) {
    if (button) copy(button, button.closest('.code').querySelector('code').textContent);
  }
}
