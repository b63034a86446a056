// The field in which a message is written, and its two buttons: Send, or Stop while a reply is being made.

import { t } from './texts.js';

const form = document.getElementById('composer');
const field = document.getElementById('content');
const sendButton = document.getElementById('send');
const stopButton = document.getElementById('stop');

export class Composer {
  #replying = false;
  #ready = true;

  /** @param {{ send: (content: string) => void, stop: () => void }} callbacks */
  constructor({ send, stop }) {
    form.addEventListener('submit', event => {
      event.preventDefault();
      if (this.#replying || !this.#ready || field.value.trim() === '') return;
      const content = field.value;
      this.content = '';
      send(content);
    });
    field.addEventListener('keydown', event => {
      // While an input method composes, Enter picks a word (Safari reports 229 for it when it has just ended).
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      form.requestSubmit();
    });
    field.addEventListener('input', () => this.#fit());
    stopButton.addEventListener('click', () => {
      if (stopButton.ariaDisabled) return;
      this.stopping = true;
      stop();
    });
  }

  get content() {
    return field.value;
  }

  set content(text) {
    field.value = text;
    this.#fit();
  }

  /** Gives back what could not be sent, before what has been written meanwhile. */
  giveBack(content) {
    this.content = field.value ? `${content}\n\n${field.value}` : content;
  }

  /** On a touch screen the keyboard would cover half of what there is to read. */
  focus() {
    if (matchMedia('(pointer: fine)').matches) field.focus();
  }

  /** Whether the conversation is here to be added to. */
  set ready(value) {
    this.#ready = value;
    this.#fit();
  }

  set replying(value) {
    const hadFocus = document.activeElement === (value ? sendButton : stopButton);
    this.#replying = value;
    this.stopping = false;
    sendButton.hidden = value;
    stopButton.hidden = !value;
    if (hadFocus) this.focus();
    this.#fit();
  }

  set stopping(value) {
    // Not disabled: it would lose the focus.
    stopButton.ariaDisabled = value ? 'true' : null;
    stopButton.title = t(value ? 'message.stopping' : 'composer.stop');
  }

  #fit() {
    sendButton.disabled = !this.#ready || field.value.trim() === '';
    if (CSS.supports('field-sizing', 'content')) return;
    field.style.height = 'auto';
    if (field.scrollHeight > 0) field.style.height = `${field.scrollHeight}px`;
  }
}
