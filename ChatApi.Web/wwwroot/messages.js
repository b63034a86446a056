// One message on the page.

import { say, t, translate } from './texts.js';

const template = document.getElementById('message-template');

/**
 * The only place where a message's text enters the page: as text, whatever it looks like.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function showText(element, text) {
  const node = element.firstChild;
  // A growing text is only added to, so that a selection in it is not lost.
  if (node && text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
  else element.textContent = text;
}

export class MessageView {
  #text;
  #state;
  #again;
  #content = '';
  #frame = null;
  #act = null;

  /** @param {{ id?: string, role: string, content: string, status?: string, finish_reason?: string }} message */
  constructor({ id, role, content, status = 'completed', finish_reason: finishReason }) {
    this.id = id;
    this.role = role;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.#text = this.element.querySelector('.text');
    this.#state = this.element.querySelector('.state');
    this.#again = this.element.querySelector('.again');
    this.#again.addEventListener('click', () => this.#act());
    this.element.classList.add(role);
    this.element.querySelector('h2').dataset.text = `message.${role}`;
    translate(this.element);
    this.content = content;
    this.end(status, finishReason);
  }

  get content() {
    return this.#content;
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
    this.#show();
    this.#mark(status);
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
    showText(this.#text, this.#content);
  }
}
