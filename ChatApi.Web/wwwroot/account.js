// Who is signed in. The token lives in sessionStorage: it survives a reload (a reply in the making is found again), but
// it ends with the tab and is not shared with others, which suits a demo page on a machine that may not be one's own.

const storageKey = 'chatapi.account';

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(storageKey));
  } catch {
    return null;
  }
}

let account = stored();

export const token = () => account?.token ?? null;
export const user = () => account?.user ?? null;

export function remember({ token, user }) {
  account = { token, user };
  sessionStorage.setItem(storageKey, JSON.stringify(account));
}

export function forget() {
  account = null;
  sessionStorage.removeItem(storageKey);
}
