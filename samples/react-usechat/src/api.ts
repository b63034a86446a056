// Where ChatApi is, who is signed in, and what the AI SDK does not ask for by itself.

import { DefaultChatTransport, generateId, type UIMessage } from 'ai';

const address = document.querySelector<HTMLMetaElement>('meta[name=chatapi]')!.content;

/** How a reply came about; a question has none. */
export type Metadata = { status: 'completed' | 'stopped' | 'failed' | 'interrupted'; model?: string; usage?: { totalTokens: number } };

export type Message = UIMessage<Metadata>;

/** The names that the client gives are the conversation's: over a reload this one is kept. */
export function chatId(isNew = false): string {
  const id = (!isNew && sessionStorage.getItem('chat')) || generateId();
  sessionStorage.setItem('chat', id);
  return id;
}

export const signedIn = () => sessionStorage.getItem('token') !== null;

export const signOut = () => sessionStorage.clear();

export async function signIn(email: string, password: string): Promise<void> {
  const response = await fetch(`${address}/api/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  sessionStorage.setItem('token', answer.token);
}

const headers = () => ({ Authorization: `Bearer ${sessionStorage.getItem('token')}` });

export const transport = new DefaultChatTransport<Message>({ api: `${address}/api/chat/ui`, headers });

/** What was said so far; a reply in the making is not among it, since `resume` brings it. */
export async function history(chat: string): Promise<Message[]> {
  const response = await fetch(`${address}/api/chat/ui/${encodeURIComponent(chat)}/messages`, { headers: headers() });
  if (!response.ok) throw new Error(sentence(await response.text()));
  return response.json();
}

/** Whether it was the server that said no. What else goes wrong may have left a reply behind. */
export const isRefusal = (message: string) => sentence(message) !== message;

/** Stops the reply where it is made. The stream then ends by itself, with the text so far; the hook's own stop would only hang up. */
export async function stop(chat: string): Promise<void> {
  await fetch(`${address}/api/chat/ui/${encodeURIComponent(chat)}/stop`, { method: 'POST', headers: headers() });
}

/** The hook shows the body of an answer that is no stream: of ours, one field is for people. */
export function sentence(message: string): string {
  try {
    return JSON.parse(message).error ?? message;
  } catch {
    return message;
  }
}
