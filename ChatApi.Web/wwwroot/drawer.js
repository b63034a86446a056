// On a narrow screen the list of sessions is a drawer; on a wide one it is simply there.

const sidebar = document.getElementById('sidebar');
const main = document.getElementById('main');
const backdrop = document.getElementById('backdrop');
const opener = document.getElementById('drawer-open');
const narrow = matchMedia('(max-width: 48rem)');

function show(open) {
  const drawn = open && narrow.matches;
  sidebar.classList.toggle('open', drawn);
  sidebar.inert = narrow.matches && !drawn;
  main.inert = drawn;
  backdrop.hidden = !drawn;
  opener.setAttribute('aria-expanded', String(drawn));
}

export function closeDrawer() {
  const wasOpen = sidebar.classList.contains('open');
  show(false);
  if (wasOpen) opener.focus();
}

export function setUpDrawer() {
  opener.addEventListener('click', () => {
    show(true);
    document.getElementById('drawer-close').focus();
  });
  document.getElementById('drawer-close').addEventListener('click', closeDrawer);
  backdrop.addEventListener('click', closeDrawer);
  document.addEventListener('keydown', event => {
    if (event.key === 'Escape') closeDrawer();
  });
  // Also for the session that is open already, where the address does not change.
  sidebar.addEventListener('click', event => {
    if (event.target.closest('a[href^="#"]')) closeDrawer();
  });
  narrow.addEventListener('change', () => show(false));
  show(false);
}
