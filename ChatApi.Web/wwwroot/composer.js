// The field in which a message is written, and its two buttons: Send, or Stop while a reply is being made.

import { t } from './texts.js';

const form = document.getElementById('composer');
const field = document.getElementById('content');
const sendButton = document.getElementById('send');
const stopButton = document.getElementById('stop');
const editing = document.getElementById('editing');

export class Composer {
  #replying = false;
  #ready = true;
  #edited = null;
  #draft = '';

  /** @param {{ send: (content: string) => void, edit: (view: object, content: string) => void, stop: () => void }} callbacks */
  constructor({ send, edit, stop }) {
    form.addEventListener('submit', event => {
      event.preventDefault();
      if (this.#replying || !this.#ready || field.value.trim() === '') return;
      const content = field.value;
      const edited = this.#edited;
      if (edited) this.edit(null);
      else this.content = '';
      if (edited) edit(edited, content);
      else send(content);
    });
    document.getElementById('cancel-editing').addEventListener('click', () => {
      this.edit(null);
      this.focus();
    });
    field.addEventListener('keydown', event => {
      // While an input method composes, Enter picks a word (Safari reports 229 for it when it has just ended).
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      form.requestSubmit();
    });
    field.addEventListener('keydown', event => {
      if (event.key !== 'Escape' || !this.#edited || event.isComposing) return;
      this.edit(null);
    });
    field.addEventListener('input', () => this.#fit());
    stopButton.addEventListener('click', () => {
      if (stopButton.ariaDisabled) return;
      this.stopping = true;
      stop();
    });
  }

  /** Takes a question back into the field, to be asked otherwise; null gives the field back to what was being written. */
  edit(view) {
    if (!view && !this.#edited) return;
    if (!this.#edited) this.#draft = field.value;
    this.#edited = view;
    editing.hidden = !view;
    this.content = view ? view.content : this.#draft;
    if (view) field.focus();
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
