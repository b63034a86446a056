// A question that must be answered before anything else. The browser's dialog keeps the focus in it, closes on Escape and
// gives the focus back.

import { ApiError } from './api.js';
import { clearNotice, notify } from './notice.js';
import { once } from './once.js';

/**
 * @param {HTMLDialogElement} dialog
 * @param {() => Promise<boolean | void>} action what to do when it is confirmed; the dialog stays open while that fails, and where it says so
 */
export function openDialog(dialog, action) {
  const form = dialog.querySelector('form');
  const notice = dialog.querySelector('.notice');
  const submit = form.querySelector('[type=submit]');
  const over = new AbortController();
  const on = (target, type, listener) => target.addEventListener(type, listener, { signal: over.signal });

  clearNotice(notice);
  on(dialog, 'close', () => over.abort());
  on(dialog, 'click', event => {
    if (event.target.value === 'cancel') dialog.close();
  });
  on(form, 'submit', event => {
    event.preventDefault();
    once([submit], async () => {
      clearNotice(notice);
      try {
        const isToStay = await action();
        if (!over.signal.aborted && !isToStay) dialog.close();
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        notify(notice, () => error.sentence());
      }
    });
  });
  dialog.showModal();
}
