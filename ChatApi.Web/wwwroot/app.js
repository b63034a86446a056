// The page: who is signed in, which session is open (the address says it, so that a reload finds it again), and what the
// parts tell each other.

import * as account from './account.js';
import * as api from './api.js';
import { announce } from './announcer.js';
import { Conversation } from './conversation.js';
import { openDialog } from './dialogs.js';
import { closeDrawer, setUpDrawer } from './drawer.js';
import { notify } from './notice.js';
import { SessionList } from './sessions.js';
import { SignIn } from './sign-in.js';
import { language, say, setLanguage, t, translate } from './texts.js';

const element = id => document.getElementById(id);
const home = '#/';
const addressOf = id => `#/sessions/${id}`;

const sessions = new SessionList();
const signIn = new SignIn(enter);
const conversation = new Conversation({ created, active: id => sessions.touch(id), gone });
let opened = null;
let previousUser = null;

function enter(signedIn) {
  account.remember(signedIn);
  // A draft that was saved from an expired token is nobody else's.
  if (previousUser && previousUser !== signedIn.user?.id) {
    conversation.forgetDraft();
    history.replaceState(null, '', home);
  }
  showChat();
}

function leave(sentence) {
  previousUser = account.user()?.id ?? null;
  account.forget();
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
  closeDrawer();
  conversation.close();
  sessions.clear();
  showSignIn(sentence);
}

function showSignIn(sentence) {
  opened = null;
  element('chat').hidden = element('skip').hidden = true;
  element('sign-in').hidden = false;
  say(document.querySelector('title'), () => t('page.signIn'));
  signIn.show(sentence);
}

function showChat() {
  element('sign-in').hidden = true;
  element('chat').hidden = element('skip').hidden = false;
  const user = account.user();
  element('who').textContent = user?.user || user?.email || '';
  const listed = sessions.load();
  return route(listed);
}

/** Opens what the address says. */
async function route(listed) {
  if (!account.token()) return;
  const id = /^#\/sessions\/([\w-]+)$/.exec(location.hash)?.[1] ?? null;
  if (id && id === conversation.id) return;
  sessions.current = id;
  if (!id) {
    show(null);
    conversation.startNew();
    return;
  }
  conversation.open(id);
  show({ id, title: '' });
  await listed;
  const session = sessions.find(id) ?? await api.getSession(id).catch(() => null);
  if (session && conversation.id === id) show(session);
}

/** The heading, the title and the tools for a session, or for a new one. */
function show(session) {
  opened = session;
  element('session-tools').hidden = !session?.title;
  say(element('session-title'), () => session ? session.title : t('sessions.new'));
  say(document.querySelector('title'), () => session?.title ? t('page.session', session) : t('page.title'));
}

/** The first message has made a session: the address follows, and nothing has to be opened. */
function created(session) {
  history.replaceState(null, '', addressOf(session.id));
  sessions.put(session);
  sessions.current = session.id;
  show(session);
}

/** In place of the session that is open, which is no longer there to come back to. */
function goHome() {
  history.replaceState(null, '', home);
  route();
}

function gone() {
  sessions.remove(conversation.id);
  goHome();
  notify(element('chat-notice'), () => t('sessions.gone'), null, 'info');
}

function rename() {
  const { id } = opened;
  element('title').value = opened.title;
  openDialog(element('rename-dialog'), async () => {
    const title = element('title').value.trim();
    if (!title) return;
    const session = await api.renameSession(id, title);
    sessions.rename(session);
    if (opened?.id === id) show(session);
  });
  element('title').select();
}

function remove() {
  const { id, title } = opened;
  element('delete-name').textContent = title;
  openDialog(element('delete-dialog'), async () => {
    await api.deleteSession(id);
    sessions.remove(id);
    if (opened?.id === id) goHome();
    announce(t('sessions.deleted'));
  });
}

for (const select of document.querySelectorAll('.language')) {
  select.value = language();
  select.addEventListener('change', () => setLanguage(select.value));
}
document.addEventListener('languagechanged', () => {
  for (const select of document.querySelectorAll('.language')) select.value = language();
});
element('skip').addEventListener('click', event => {
  // The address belongs to the sessions.
  event.preventDefault();
  closeDrawer();
  element('main').focus();
});
element('sign-out').addEventListener('click', () => {
  conversation.forgetDraft();
  history.replaceState(null, '', home);
  leave(null);
});
element('rename-session').addEventListener('click', rename);
element('delete-session').addEventListener('click', remove);
addEventListener('hashchange', () => route());
api.whenSignedOut(() => leave(() => t('signIn.expired')));

setUpDrawer();
translate(document);
if (account.token()) showChat();
else showSignIn(null);
