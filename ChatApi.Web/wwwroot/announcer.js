// What a screen reader says without being asked.

const place = document.getElementById('announcer');
let timer;

export function announce(text) {
  clearTimeout(timer);
  place.textContent = text;
  // Not a second copy to come across while reading the page.
  timer = setTimeout(() => place.replaceChildren(), 5000);
}
