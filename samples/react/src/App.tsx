import { useState, type FormEvent } from 'react';
import type { Conversation } from '../../shared/conversation';
import { openConversation, signIn, signOut } from '../../shared/tab';
import { useConversation } from './useConversation';

export function App() {
  const [conversation, setConversation] = useState(openConversation);
  if (!conversation) return <SignIn onSignedIn={setConversation} />;
  return <Chat conversation={conversation} onSignOut={() => { signOut(); setConversation(null); }} />;
}

function SignIn({ onSignedIn }: { onSignedIn: (conversation: Conversation) => void }) {
  const [error, setError] = useState('');

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    try {
      onSignedIn(await signIn(String(fields.get('email')), String(fields.get('password'))));
    } catch (failure) {
      setError((failure as Error).message);
    }
  }

  return (
    <form className="sign-in" onSubmit={submit}>
      <h1>ChatApi with React</h1>
      <label>Email <input name="email" type="email" defaultValue="test@example.com" autoComplete="username" required /></label>
      <label>Password <input name="password" type="password" defaultValue="password123" autoComplete="current-password" required /></label>
      <button>Sign in</button>
      {error && <p className="error" role="alert">{error}</p>}
    </form>
  );
}

function Chat({ conversation, onSignOut }: { conversation: Conversation; onSignOut: () => void }) {
  const { view, ask, stop } = useConversation(conversation);
  const [content, setContent] = useState('');

  function submit(event: FormEvent) {
    event.preventDefault();
    if (view.state !== 'idle' || !content.trim()) return;
    void ask(content);
    setContent('');
  }

  return (
    <main>
      <header><h1>ChatApi with React</h1><button onClick={onSignOut}>Sign out</button></header>
      <div className="log" aria-live="polite" aria-busy={view.state !== 'idle'}>
        {view.messages.map((message, i) => (
          <article key={i} className={`message ${message.role}`}>
            <div className="text">{message.content}</div>
            {message.status === 'stopped' && <div className="note">Stopped</div>}
            {message.status === 'interrupted' && <div className="note">Interrupted</div>}
            {message.error && <div className="error">{message.error}</div>}
          </article>
        ))}
        {view.state === 'reconnecting' && <p className="note" role="status">Reconnecting…</p>}
        {view.error && <p className="error" role="alert">{view.error}</p>}
      </div>
      <form className="composer" onSubmit={submit}>
        <input name="content" aria-label="Message" placeholder="Message" autoComplete="off"
          value={content} onChange={event => setContent(event.target.value)} />
        {view.isReplying
          ? <button type="button" onClick={stop}>Stop</button>
          : <button disabled={view.state !== 'idle'}>Send</button>}
      </form>
    </main>
  );
}
