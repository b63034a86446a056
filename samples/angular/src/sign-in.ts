import { Component, output, signal } from '@angular/core';
import type { Conversation } from '../../shared/conversation';
import { signIn } from '../../shared/tab';

@Component({
  selector: 'chat-sign-in',
  template: `
    <form class="sign-in" (submit)="$event.preventDefault(); submit(email.value, password.value)">
      <h1>ChatApi with Angular</h1>
      <label>Email <input #email name="email" type="email" value="test@example.com" autocomplete="username" required></label>
      <label>Password <input #password name="password" type="password" value="password123" autocomplete="current-password" required></label>
      <button>Sign in</button>
      @if (error()) { <p class="error" role="alert">{{ error() }}</p> }
    </form>
  `,
})
export class SignIn {
  readonly signedIn = output<Conversation>();
  protected readonly error = signal('');

  protected async submit(email: string, password: string): Promise<void> {
    try {
      this.signedIn.emit(await signIn(email, password));
    } catch (failure) {
      this.error.set((failure as Error).message);
    }
  }
}
