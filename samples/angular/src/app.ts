import { Component, signal } from '@angular/core';
import { openConversation, signOut } from '../../shared/tab';
import { Chat } from './chat';
import { SignIn } from './sign-in';

@Component({
  selector: 'chat-app',
  imports: [Chat, SignIn],
  template: `
    @if (conversation(); as conversation) {
      <chat-conversation [conversation]="conversation" (signedOut)="leave()" />
    } @else {
      <chat-sign-in (signedIn)="conversation.set($event)" />
    }
  `,
})
export class App {
  protected readonly conversation = signal(openConversation());

  protected leave(): void {
    signOut();
    this.conversation.set(null);
  }
}
