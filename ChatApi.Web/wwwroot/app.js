// The page: who is signed in, which session is open (the address says it, so that a reload finds it again), and what the
// parts tell each other.

import * as account from './account.js';
import * as api from './api.js';
import { announce } from './announcer.js';
import { Conversation } from './conversation.js';
import { copy } from './copy.js';
import { openDialog } from './dialogs.js';
import { closeDrawer, setUpDrawer } from './drawer.js';
import { saveAs } from './files.js';
import { openMine } from './mine.js';
import { notify } from './notice.js';
import { once } from './once.js';
import { SessionList } from './sessions.js';
import { SignIn } from './sign-in.js';
import { language, say, setLanguage, t, translate } from './texts.js';

const element = id => document.getElementById(id);
const home = '#/';
const addressOf = id => `#/sessions/${id}`;

/** When the title of a conversation is looked at again after its first reply, in milliseconds: models take a moment for one. */
const titlePauses = [500, 2000, 5000, 10_000];

const sessions = new SessionList({ restored });
const signIn = new SignIn(enter);
const conversation = new Conversation({ created, active: id => sessions.touch(id), complete, gone });
const untitled = new Map();
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
  sessions.reset();
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
  element('pin-session').ariaPressed = String(Boolean(session?.pinned));
  element('archive-session').ariaPressed = String(Boolean(session?.archived));
  say(element('session-title'), () => session ? session.title : t('sessions.new'));
  say(document.querySelector('title'), () => session?.title ? t('page.session', session) : t('page.title'));
}

/** The first message, with this beginning, has made a session: the address follows, and nothing has to be opened. */
function created(session, beginning) {
  untitled.set(session.id, session.title);
  session = { ...session, title: beginning };
  history.replaceState(null, '', addressOf(session.id));
  sessions.put(session);
  sessions.current = session.id;
  show(session);
}

/** The first reply is there: the server makes a title of it, and perhaps a better one a moment later. */
async function complete(id) {
  if (!untitled.has(id)) return;
  const none = untitled.get(id);
  untitled.delete(id);
  for (const pause of titlePauses) {
    await new Promise(resolve => setTimeout(resolve, pause));
    if (!sessions.find(id)) return;
    // By the list, in which there is nothing to be missed when it has been deleted.
    const listed = (await api.sessions(null).catch(() => null))?.value.find(session => session.id === id);
    if (!listed || !sessions.find(id)) return;
    if (listed.title !== none) change(listed);
  }
}

/** What has become of a session, wherever it is shown. */
function change(session) {
  sessions.change(session);
  if (opened?.id === session.id) show(session);
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
    change(await api.changeSession(id, { title }));
  });
  element('title').select();
}

function remove() {
  const session = opened;
  element('delete-name').textContent = session.title;
  openDialog(element('delete-dialog'), async () => {
    await api.deleteSession(session.id);
    sessions.remove(session.id);
    if (opened?.id === session.id) goHome();
    notify(element('chat-notice'), () => t('sessions.deleted'), { text: () => t('sessions.undo'), run: () => restore(session.id) }, 'info');
  });
}

async function restore(id) {
  try {
    restored(await api.restoreSession(id));
  } catch (error) {
    notify(element('chat-notice'), () => error.sentence());
  }
}

function restored(session) {
  sessions.put(session);
  location.hash = addressOf(session.id);
  announce(t('sessions.restored'));
}

/** @param {'pinned' | 'archived'} state */
async function toggle(state) {
  const { id } = opened;
  try {
    change(await api.changeSession(id, { [state]: !opened[state] }));
  } catch (error) {
    notify(element('chat-notice'), () => error.sentence());
  }
}

async function settings() {
  const { id } = opened;
  const [model, prompt, temperature, topP, maxTokens, stop] =
    ['model', 'system-prompt', 'temperature', 'top-p', 'max-output-tokens', 'stop-words'].map(element);
  const numberIn = field => field.value === '' ? null : Number(field.value);
  try {
    const [session, models] = await Promise.all([api.getSession(id), api.models()]);
    if (opened?.id !== id) return;
    model.replaceChildren(...models.map(one => new Option(one.is_default ? t('settings.modelDefault', { model: one.id }) : one.id, one.is_default ? '' : one.id)));
    model.value = session.model ?? '';
    prompt.value = session.system_prompt ?? '';
    temperature.value = session.temperature ?? '';
    topP.value = session.top_p ?? '';
    maxTokens.value = session.max_output_tokens ?? '';
    stop.value = session.stop?.join('\n') ?? '';
  } catch (error) {
    notify(element('chat-notice'), () => error.sentence());
    return;
  }
  openDialog(element('settings-dialog'), async () => {
    await api.changeSession(id, {
      model: model.value || null,
      system_prompt: prompt.value.trim() ? prompt.value : null,
      temperature: numberIn(temperature),
      top_p: numberIn(topP),
      max_output_tokens: numberIn(maxTokens),
      stop: stop.value ? stop.value.split('\n').filter(text => text !== '') : null,
    });
    announce(t('settings.saved'));
  });
}

function save() {
  const { id } = opened;
  openDialog(element('export-dialog'), async () => {
    saveAs(await api.exportSession(id, element('export-format').value));
  });
}

function share() {
  const { id } = opened;
  const [days, link, made, copyLink, submit] =
    ['share-days-field', 'share-link', 'share-link-field', 'share-copy', 'share-submit'].map(element);
  days.hidden = submit.hidden = false;
  made.hidden = copyLink.hidden = true;
  openDialog(element('share-dialog'), async () => {
    const shared = await api.shareSession(id, Number(element('share-days').value) || null);
    link.value = new URL(shared.url, document.baseURI).href;
    days.hidden = submit.hidden = true;
    made.hidden = copyLink.hidden = false;
    link.select();
    return true;
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
element('pin-session').addEventListener('click', event => once([event.currentTarget], () => toggle('pinned')));
element('archive-session').addEventListener('click', event => once([event.currentTarget], () => toggle('archived')));
element('session-settings').addEventListener('click', settings);
element('mine').addEventListener('click', () => openMine({ imported: () => sessions.load() }));
element('export-session').addEventListener('click', save);
element('share-session').addEventListener('click', share);
element('share-copy').addEventListener('click', event => copy(event.currentTarget, element('share-link').value));
addEventListener('hashchange', () => route());
api.whenSignedOut(() => leave(() => t('signIn.expired')));

setUpDrawer();
translate(document);
if (account.token()) showChat();
else showSignIn(null);
