import { DestroyRef, inject, signal } from '@angular/core';
import { emptyView, withEvent, type Conversation, type ConversationEvent } from '../../shared/conversation';

/** What is to be seen of a conversation, and what can be done in it. Made in an injection context: a component's field, say. */
export function conversationView() {
  const view = signal(emptyView);
  let conversation: Conversation;

  async function show(events: AsyncIterable<ConversationEvent>) {
    for await (const event of events) view.update(view => withEvent(view, event));
  }

  inject(DestroyRef).onDestroy(() => conversation.close());

  return {
    view: view.asReadonly(),
    open: (opened: Conversation) => show((conversation = opened).open()), // also the reply that a reload has left
    ask: (content: string) => show(conversation.ask(content)),
    stop: () => conversation.stop(),
  };
}
