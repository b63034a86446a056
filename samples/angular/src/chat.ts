import { Component, input, output, type OnInit } from '@angular/core';
import type { Conversation } from '../../shared/conversation';
import { conversationView } from './conversation-view';

@Component({
  selector: 'chat-conversation',
  template: `
    @let view = chat.view();
    <main>
      <header><h1>ChatApi with Angular</h1><button (click)="signedOut.emit()">Sign out</button></header>
      <div class="log" aria-live="polite" [attr.aria-busy]="view.state !== 'idle'">
        @for (message of view.messages; track $index) {
          <article class="message {{ message.role }}">
            <div class="text">{{ message.content }}</div>
            @if (message.status === 'stopped') { <div class="note">Stopped</div> }
            @if (message.status === 'interrupted') { <div class="note">Interrupted</div> }
            @if (message.error) { <div class="error">{{ message.error }}</div> }
          </article>
        }
        @if (view.state === 'reconnecting') { <p class="note" role="status">Reconnecting…</p> }
        @if (view.error) { <p class="error" role="alert">{{ view.error }}</p> }
      </div>
      <form class="composer" (submit)="$event.preventDefault(); submit(content)">
        <input #content name="content" aria-label="Message" placeholder="Message" autocomplete="off">
        @if (view.isReplying) {
          <button type="button" (click)="chat.stop()">Stop</button>
        } @else {
          <button [disabled]="view.state !== 'idle'">Send</button>
        }
      </form>
    </main>
  `,
})
export class Chat implements OnInit {
  readonly conversation = input.required<Conversation>();
  readonly signedOut = output();
  protected readonly chat = conversationView();

  ngOnInit(): void {
    void this.chat.open(this.conversation());
  }

  protected submit(content: HTMLInputElement): void {
    if (this.chat.view().state !== 'idle' || !content.value.trim()) return;
    void this.chat.ask(content.value);
    content.value = '';
  }
}
