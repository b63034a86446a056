// A sentence that somebody must see, in a place with role="alert", with at most one thing to do about it.

import { say, t } from './texts.js';

/**
 * @param {HTMLElement} place
 * @param {() => string} sentence
 * @param {{ text: () => string, run: () => void }} [action]
 */
export function notify(place, sentence, action, tone = 'error') {
  place.replaceChildren();
  place.dataset.tone = tone;
  place.hidden = false;
  const text = document.createElement('p');
  text.dir = 'auto';
  place.append(text);
  say(text, sentence);
  if (!action) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'link';
  button.addEventListener('click', () => {
    clearNotice(place);
    action.run();
  });
  place.append(button);
  say(button, action.text);
}

export const notifyAgain = (place, error, run) =>
  notify(place, () => error.sentence(), { text: () => t('notice.again'), run });

export function clearNotice(place) {
  place.hidden = true;
  place.replaceChildren();
}
