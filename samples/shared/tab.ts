// What a browser's tab knows: where ChatApi is, and over a reload who is signed in and which conversation is open.

import { ChatError } from './chat-stream.js';
import { Conversation } from './conversation.js';

const address = document.querySelector<HTMLMetaElement>('meta[name=chatapi]')!.content;

/** The conversation of a tab that is signed in; null where nobody is. */
export function openConversation(): Conversation | null {
  const token = sessionStorage.getItem('token');
  return token
    ? new Conversation(address, token, sessionStorage.getItem('session'), id => sessionStorage.setItem('session', id))
    : null;
}

export async function signIn(email: string, password: string): Promise<Conversation> {
  const response = await fetch(`${address}/api/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  if (!response.ok) throw await ChatError.from(response);
  sessionStorage.setItem('token', (await response.json()).token);
  return openConversation()!;
}

export function signOut(): void {
  sessionStorage.clear();
}
