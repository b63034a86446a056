// While something is under way, pressing its button again does nothing. The button is not disabled for that time: it would
// lose the focus.

/**
 * @param {HTMLElement[]} buttons
 * @param {() => Promise<void>} action
 */
export async function once(buttons, action) {
  if (buttons.some(button => button.ariaDisabled)) return;
  for (const button of buttons) button.ariaDisabled = 'true';
  try {
    await action();
  } finally {
    for (const button of buttons) button.ariaDisabled = null;
  }
}
