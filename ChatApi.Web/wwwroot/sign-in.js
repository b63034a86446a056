// The form to sign in with, or to create an account.

import * as api from './api.js';
import { clearNotice, notify } from './notice.js';
import { once } from './once.js';
import { say, t } from './texts.js';

const element = id => document.getElementById(id);
const form = element('sign-in-form');
const notice = element('sign-in-notice');
const fields = ['name', 'email', 'password'];

export class SignIn {
  #mode = 'signIn';
  #demo = null;
  #done;

  /** @param {(account: { token: string, user: object }) => void} done */
  constructor(done) {
    this.#done = done;
    form.addEventListener('submit', event => {
      event.preventDefault();
      this.#submit();
    });
    element('switch-mode').addEventListener('click', () => {
      this.#turn(this.#mode === 'signIn' ? 'register' : 'signIn');
      element('email').focus();
    });
    element('demo-account').addEventListener('click', () => {
      element('email').value = this.#demo.email;
      element('password').value = this.#demo.password;
      this.#submit();
    });
    for (const name of fields) form.elements[name].addEventListener('input', () => blame(name, null));
    this.#turn('signIn');
  }

  /** @param {(() => string)?} sentence why the form is here */
  show(sentence) {
    form.reset();
    this.#turn('signIn');
    if (sentence) notify(notice, sentence, null, 'info');
    element('email').focus();
    this.#offerDemo();
  }

  async #offerDemo() {
    this.#demo ??= await api.demoAccount();
    element('demo-account').hidden = this.#mode === 'register' || !this.#demo;
  }

  #turn(mode) {
    this.#mode = mode;
    const registering = mode === 'register';
    say(element('sign-in-title'), () => t(`${mode}.title`));
    say(element('sign-in-submit'), () => t(`${mode}.submit`));
    say(element('switch-question'), () => t(`${mode}.question`));
    say(element('switch-mode'), () => t(`${mode}.switch`));
    element('name-field').hidden = !registering;
    element('password-hint').hidden = !registering;
    element('password').autocomplete = registering ? 'new-password' : 'current-password';
    element('demo-account').hidden = registering || !this.#demo;
    this.#clear();
  }

  #clear() {
    clearNotice(notice);
    for (const name of fields) blame(name, null);
  }

  #submit() {
    return once([element('sign-in-submit'), element('demo-account')], () => this.#try());
  }

  async #try() {
    this.#clear();
    const { name, email, password } = Object.fromEntries(new FormData(form));
    if (!/.@./.test(email)) blame('email', () => t('signIn.emailMissing'));
    if (password === '') blame('password', () => t('signIn.passwordMissing'));
    if (toFirstBlamed()) return;

    try {
      const account = await (this.#mode === 'register'
        ? api.register(email.trim(), password, name.trim())
        : api.signIn(email.trim(), password));
      form.reset();
      this.#done(account);
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      this.#explain(error);
    }
  }

  #explain(error) {
    if (this.#mode === 'register' && error.code === 'email_not_confirmed') {
      // The account is made, and can be used when its owner has followed the link.
      this.#turn('signIn');
      notify(notice, () => t('signIn.confirm'), null, 'info');
      return;
    }
    for (const name of fields) {
      const sentences = error.errors[name];
      if (sentences) blame(name, () => [sentences].flat().join(' '));
    }
    if (error.code === 'weak_password') blame('password', () => error.sentence());
    if (error.code === 'email_taken') blame('email', () => error.sentence());
    if (!toFirstBlamed()) notify(notice, () => error.sentence());
  }
}

/** Puts a sentence below a field, or takes it away. */
function blame(name, sentence) {
  const field = form.elements[name];
  const place = element(`${name}-error`);
  place.hidden = !sentence;
  if (sentence) {
    field.setAttribute('aria-invalid', 'true');
    say(place, sentence);
  } else {
    field.removeAttribute('aria-invalid');
  }
}

function toFirstBlamed() {
  const field = form.querySelector('[aria-invalid]');
  field?.focus();
  return field !== null;
}
