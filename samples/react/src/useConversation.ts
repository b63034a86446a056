import { useEffect, useReducer } from 'react';
import { emptyView, withEvent, type Conversation, type ConversationEvent } from '../../shared/conversation';

/** What is to be seen of a conversation, and what can be done in it. */
export function useConversation(conversation: Conversation) {
  const [view, apply] = useReducer(withEvent, emptyView);

  async function show(events: AsyncIterable<ConversationEvent>) {
    for await (const event of events) apply(event);
  }

  useEffect(() => {
    void show(conversation.open()); // also the reply that a reload has left
    return () => conversation.close();
  }, [conversation]);

  return { view, ask: (content: string) => show(conversation.ask(content)), stop: () => conversation.stop() };
}
