import { useChat } from '@ai-sdk/react';
import { useEffect, useState, type FormEvent } from 'react';
import { chatId, history, isRefusal, sentence, signIn, signedIn, signOut, stop, transport, type Message } from './api';

export function App() {
  const [isSignedIn, setSignedIn] = useState(signedIn);
  if (!isSignedIn) return <SignIn onSignedIn={() => setSignedIn(true)} />;
  return <Conversation onSignOut={() => { signOut(); setSignedIn(false); }} />;
}

function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [error, setError] = useState('');

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    try {
      await signIn(String(fields.get('email')), String(fields.get('password')));
      onSignedIn();
    } catch (failure) {
      setError((failure as Error).message);
    }
  }

  return (
    <form className="sign-in" onSubmit={submit}>
      <h1>ChatApi with useChat</h1>
      <label>Email <input name="email" type="email" defaultValue="test@example.com" autoComplete="username" required /></label>
      <label>Password <input name="password" type="password" defaultValue="password123" autoComplete="current-password" required /></label>
      <button>Sign in</button>
      {error && <p className="error" role="alert">{error}</p>}
    </form>
  );
}

/** What was said comes first: the hook starts with it. */
function Conversation({ onSignOut }: { onSignOut: () => void }) {
  const [id, setId] = useState(chatId);
  const [loaded, setLoaded] = useState<{ id: string; messages: Message[] }>();
  const [error, setError] = useState('');

  useEffect(() => {
    let isCurrent = true;
    history(id).then(
      messages => { if (isCurrent) setLoaded({ id, messages }); },
      failure => { if (isCurrent) setError(failure.message); });
    return () => { isCurrent = false; };
  }, [id]);

  return (
    <main>
      <header>
        <h1>ChatApi with useChat</h1>
        <button onClick={() => setId(chatId(true))}>New chat</button>
        <button onClick={onSignOut}>Sign out</button>
      </header>
      {error && <p className="error" role="alert">{error}</p>}
      {loaded?.id === id && <Chat key={id} id={id} initial={loaded.messages} />}
    </main>
  );
}

function Chat({ id, initial }: { id: string; initial: Message[] }) {
  const { messages, sendMessage, setMessages, regenerate, resumeStream, status, error } =
    useChat<Message>({ id, messages: initial, transport, resume: true });
  const [text, setText] = useState('');
  const isBusy = status === 'submitted' || status === 'streaming';
  const last = messages.at(-1);

  // A reply that ended between the history and the stream is in neither.
  const isUnanswered = status === 'ready' && last?.role === 'user';
  useEffect(() => {
    if (!isUnanswered) return;
    const timer = setTimeout(async () => {
      const stored = await history(id).catch(() => []);
      if (stored.at(-1)?.role === 'assistant') setMessages(stored);
    }, 1000);
    return () => clearTimeout(timer);
  }, [id, isUnanswered, setMessages]);

  function submit(event: FormEvent) {
    event.preventDefault();
    if (isBusy || !text.trim()) return;
    void sendMessage({ text });
    setText('');
  }

  // What was refused is asked again. A connection that broke may have left a reply behind: that is looked for first, since another one costs.
  async function tryAgain() {
    if (error && !isRefusal(error.message)) {
      const question = messages.findLast(message => message.role === 'user');
      const stored = await history(id).catch(() => null);
      if (!stored) return; // still away
      if (stored.some(message => message.id === question?.id)) {
        setMessages(stored);
        await resumeStream();
        const now = await history(id).catch(() => null);
        const reply = now?.at(-1);
        if (!now || reply?.metadata?.status === 'completed' || reply?.metadata?.status === 'stopped') {
          if (now) setMessages(now);
          return;
        }
      }
    }
    await regenerate();
  }

  return (
    <>
      <div className="log" aria-live="polite" aria-busy={isBusy}>
        {messages.map(message => (
          <article key={message.id} className={`message ${message.role}`}>
            <div className="text">{message.parts.map(part => (part.type === 'text' ? part.text : ''))}</div>
            {message.metadata?.status === 'stopped' && <div className="note">Stopped</div>}
            {message.metadata?.status === 'interrupted' && <div className="note">Interrupted</div>}
          </article>
        ))}
        {error && <p className="error" role="alert">{sentence(error.message)}</p>}
        {!isBusy && last && <button className="again" onClick={() => void (error ? tryAgain() : regenerate())}>{error || last.role === 'user' ? 'Try again' : 'Regenerate'}</button>}
      </div>
      <form className="composer" onSubmit={submit}>
        <input name="content" aria-label="Message" placeholder="Message" autoComplete="off" value={text} onChange={event => setText(event.target.value)} />
        {/* Until the reply begins there is nothing that could be stopped. */}
        {status === 'streaming' ? <button type="button" onClick={() => void stop(id)}>Stop</button> : <button disabled={isBusy}>Send</button>}
      </form>
    </>
  );
}
