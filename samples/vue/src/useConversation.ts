import { onMounted, onUnmounted, shallowRef } from 'vue';
import { emptyView, withEvent, type Conversation, type ConversationEvent } from '../../shared/conversation';

/** What is to be seen of a conversation, and what can be done in it. */
export function useConversation(conversation: Conversation) {
  const view = shallowRef(emptyView);

  async function show(events: AsyncIterable<ConversationEvent>) {
    for await (const event of events) view.value = withEvent(view.value, event);
  }

  onMounted(() => show(conversation.open())); // also the reply that a reload has left
  onUnmounted(() => conversation.close());

  return { view, ask: (content: string) => show(conversation.ask(content)), stop: () => conversation.stop() };
}
