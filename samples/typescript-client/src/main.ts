// A conversation through a client whose types are generated from docs/openapi.json: a path, a field or a type that does not exist does not compile.

import createClient from 'openapi-fetch';
import { readEvents } from '../../shared/chat-stream.js';
import type { components, paths } from './schema.js';

const api = createClient<paths>({ baseUrl: process.env['CHATAPI_URL'] ?? 'http://localhost:5000' });

/** The body of a success; a refusal's sentence as an error. */
function expect<T>({ data, error, response }: { data?: T; error?: components['schemas']['ProblemResponse']; response: Response }): T {
  if (data === undefined) throw new Error(`${response.status} ${error?.code}: ${error?.error}`);
  return data;
}

const email = `${crypto.randomUUID()}@example.com`;
const { token, user } = expect(await api.POST('/api/auth/register', { body: { email, password: 'a-long-password', name: 'Ana' } }));
api.use({ onRequest: ({ request }) => request.headers.set('Authorization', `Bearer ${token}`) });
console.log(`Signed in as ${user.user}.`);

const session = expect(await api.POST('/api/chat/sessions', { body: { title: 'A generated client' } }));
console.log(`Opened "${session.title}".`);

const turn = expect(await api.POST('/api/chat', { body: { content: process.argv[2] ?? 'Hola', session_id: session.id } }));
console.log(`Whole: ${turn.assistant_message.content}`);

const stream = await api.POST('/api/chat/realtime/sessions/{id}/stream', {
  params: { path: { id: session.id }, header: { 'Idempotency-Key': crypto.randomUUID() } },
  body: { content: process.argv[3] ?? '¿Qué tal?' },
  parseAs: 'stream',
});
process.stdout.write('Streamed: ');
for await (const event of readEvents(expect(stream) as ReadableStream<Uint8Array>)) {
  if (event.type === 'content') process.stdout.write(event.content);
  if (event.type === 'error') throw new Error(event.error);
}
console.log();

const path = { id: session.id };
const messages = expect(await api.GET('/api/chat/sessions/{id}/messages', { params: { path, query: { limit: 10 } } }));
for (const message of messages) console.log(`${message.role} (${message.status}): ${message.content}`);

expect(await api.DELETE('/api/chat/sessions/{id}', { params: { path } }));
const { response } = await api.GET('/api/chat/sessions/{id}', { params: { path } });
console.log(`Deleted: ${response.status}.`);
