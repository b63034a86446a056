// Copying to the clipboard, and the sign that it has been done.

import { announce } from './announcer.js';
import { t } from './texts.js';

/**
 * @param {HTMLElement} button what was pressed
 * @param {string} text
 */
export async function copy(button, text) {
  const done = await write(text);
  announce(t(done ? 'copy.done' : 'copy.failed'));
  if (!done) return;
  button.classList.add('done');
  setTimeout(() => button.classList.remove('done'), 2000);
}

async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // The clipboard is only there over https and on localhost; the old way is everywhere.
    return writeBySelection(text);
  }
}

function writeBySelection(text) {
  const focused = document.activeElement;
  const field = document.createElement('textarea');
  field.className = 'visually-hidden';
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  focused?.focus();
  return done;
}
