// What somebody has used, shared and may take along.

import * as api from './api.js';
import { announce } from './announcer.js';
import { openDialog } from './dialogs.js';
import { saveAs } from './files.js';
import { clearNotice, notify } from './notice.js';
import { once } from './once.js';
import { number, say, shortTime, t } from './texts.js';

const dialog = document.getElementById('mine-dialog');
const notice = dialog.querySelector('.notice');
const today = document.getElementById('usage-today');
const limit = document.getElementById('usage-limit');
const links = document.getElementById('links');
const none = document.getElementById('links-empty');
const template = document.getElementById('link-template');
const exportAll = document.getElementById('export-all');
const file = document.getElementById('import');
const taken = document.getElementById('imported');

let onImported = () => {};

/** @param {{ imported: () => void }} callbacks */
export function openMine({ imported }) {
  onImported = imported;
  file.value = '';
  today.replaceChildren();
  limit.replaceChildren();
  taken.replaceChildren();
  links.replaceChildren();
  none.hidden = true;
  openDialog(dialog, async () => {});
  attempt(showUsage);
  attempt(showLinks);
}

async function attempt(work) {
  clearNotice(notice);
  try {
    await work();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (error.status !== 401) notify(notice, () => error.sentence());
  }
}

async function showUsage() {
  const usage = await api.usage();
  const { limit: allowed, remaining } = usage.limits.tokens;
  say(today, () => t('usage.today', { replies: number(usage.today.replies), tokens: number(usage.today.total_tokens) }));
  limit.hidden = allowed === null;
  if (allowed !== null)
    say(limit, () => t('usage.limit', { remaining: number(remaining), limit: number(allowed), time: shortTime(usage.resets_at) }));
}

async function showLinks() {
  const shares = await api.shares();
  links.replaceChildren(...shares.map(entry));
  none.hidden = shares.length > 0;
}

function entry(share) {
  const element = template.content.firstElementChild.cloneNode(true);
  const button = element.querySelector('button');
  element.querySelector('.link-name').textContent = share.title;
  if (share.expires_at) say(element.querySelector('small'), () => t('links.until', { time: shortTime(share.expires_at) }));
  say(button, () => t('links.revoke'));
  button.addEventListener('click', () => once([button], () => attempt(async () => {
    await api.revokeShare(share.id);
    element.remove();
    none.hidden = links.children.length > 0;
    announce(t('links.revoked'));
    exportAll.focus();
  })));
  return element;
}

exportAll.addEventListener('click', () => once([exportAll], () => attempt(async () => saveAs(await api.exportAll()))));
file.addEventListener('change', () => once([file], () => attempt(async () => {
  if (file.files.length === 0) return;
  const result = await api.importFile(file.files[0]);
  file.value = '';
  say(taken, () => t('files.imported', { sessions: number(result.sessions), messages: number(result.messages) }));
  onImported();
})));
