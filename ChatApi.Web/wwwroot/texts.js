// What the page says, in each of its languages, and the one way by which it gets into an element.

const texts = {
  en: {
    'page.title': 'ChatApi',
    'page.signIn': 'Sign in · ChatApi',
    'page.session': '{title} · ChatApi',
    'nav.api': 'API (Swagger)',
    'nav.language': 'Language',
    'nav.skip': 'Skip to the conversation',
    'nav.open': 'Show the list of conversations',
    'nav.close': 'Close the list of conversations',
    'nav.signOut': 'Sign out',
    'signIn.title': 'Sign in',
    'signIn.submit': 'Sign in',
    'signIn.hint': 'Talk to the assistant and watch the reply as it is made.',
    'signIn.question': 'No account yet?',
    'signIn.switch': 'Create one',
    'signIn.demo': 'Use the demo account',
    'signIn.name': 'Name',
    'signIn.optional': '(optional)',
    'signIn.email': 'Email',
    'signIn.password': 'Password',
    'signIn.passwordHint': 'At least 8 characters.',
    'signIn.emailMissing': 'Enter an email address, such as ana@example.com.',
    'signIn.passwordMissing': 'Enter the password.',
    'signIn.expired': 'You have been signed out. Please sign in again.',
    'signIn.confirm': 'The account has been created. Confirm your email address, then sign in.',
    'register.title': 'Create an account',
    'register.submit': 'Create the account',
    'register.question': 'Already have an account?',
    'register.switch': 'Sign in',
    'sessions.label': 'Conversations',
    'sessions.new': 'New conversation',
    'sessions.empty': 'No conversations yet.',
    'sessions.more': 'Load more',
    'sessions.rename': 'Rename this conversation',
    'sessions.delete': 'Delete this conversation',
    'sessions.deleted': 'The conversation has been deleted.',
    'sessions.gone': 'That conversation does not exist any more.',
    'welcome.title': 'What shall we talk about?',
    'welcome.hint': 'The first message starts a new conversation.',
    'welcome.first': 'What can you do?',
    'welcome.second': 'Write a short poem about the sea.',
    'welcome.third': 'Explain what a stream of events is, in three sentences.',
    'log.label': 'Messages',
    'log.loading': 'Loading…',
    'log.toBottom': 'To the latest message',
    'composer.label': 'Message',
    'composer.placeholder': 'Write a message',
    'composer.hint': 'Enter sends, Shift+Enter starts a new line.',
    'composer.send': 'Send',
    'composer.stop': 'Stop the reply',
    'message.user': 'You',
    'message.assistant': 'Assistant',
    'message.replying': 'The assistant is replying.',
    'message.reply': 'Assistant: {text}',
    'message.stopping': 'Stopping…',
    'message.reconnecting': 'The connection broke off. Reconnecting…',
    'message.stopped': 'Stopped.',
    'message.interrupted': 'Interrupted: the reply is not complete.',
    'message.failed': 'Failed: the reply is not complete.',
    'message.running': 'The reply is still being made, but it cannot be followed just now.',
    'message.length': 'Cut off at the length limit.',
    'message.again': 'Send again',
    'message.reconnect': 'Reconnect',
    'dialog.cancel': 'Cancel',
    'rename.title': 'Rename the conversation',
    'rename.label': 'Title',
    'rename.save': 'Save',
    'delete.title': 'Delete this conversation?',
    'delete.what': 'and all its messages will be gone for good.',
    'delete.confirm': 'Delete',
    'notice.again': 'Try again',
    'error.network': 'The server cannot be reached. Check your connection.',
    'error.status': 'Something went wrong (status {status}).',
    'error.after': '{sentence} Try again in {seconds} s.',
    'error.kept': '{sentence} Your message was not sent.',
    'error.invalid_request': 'The server did not accept what was entered.',
    'error.content_required': 'The message is empty.',
    'error.content_too_long': 'The message is too long.',
    'error.weak_password': 'The password is too weak: use at least 8 characters.',
    'error.unauthorized': 'Please sign in.',
    'error.invalid_credentials': 'The email address or the password is wrong.',
    'error.email_taken': 'There is already an account with this email address.',
    'error.not_found': 'This does not exist any more.',
    'error.run_in_progress': 'A reply is still being made in this conversation.',
    'error.payload_too_large': 'The message is too long.',
    'error.request_timeout': 'The request took too long.',
    'error.context_too_long': 'The conversation is too long for the model.',
    'error.content_filtered': 'The model’s provider blocked this content.',
    'error.rate_limited': 'Too many requests.',
    'error.internal_error': 'Something went wrong on the server.',
    'error.upstream_error': 'The model could not answer.',
    'error.upstream_misconfigured': 'The model is not set up correctly on the server.',
    'error.upstream_throttled': 'The model is overloaded.',
    'error.upstream_timeout': 'The model took too long.',
    'error.upstream_truncated': 'The model broke off in mid-reply.',
    'error.interrupted': 'The reply was interrupted.',
    'error.shutting_down': 'The server is restarting.',
    'error.database_busy': 'The server is busy.',
    'error.database_unavailable': 'The server’s database cannot be reached.',
    'error.storage_full': 'The server’s storage is full.',
  },
  es: {
    'page.title': 'ChatApi',
    'page.signIn': 'Iniciar sesión · ChatApi',
    'page.session': '{title} · ChatApi',
    'nav.api': 'API (Swagger)',
    'nav.language': 'Idioma',
    'nav.skip': 'Saltar a la conversación',
    'nav.open': 'Mostrar la lista de conversaciones',
    'nav.close': 'Cerrar la lista de conversaciones',
    'nav.signOut': 'Cerrar sesión',
    'signIn.title': 'Iniciar sesión',
    'signIn.submit': 'Entrar',
    'signIn.hint': 'Habla con el asistente y mira cómo se escribe la respuesta.',
    'signIn.question': '¿Aún no tienes cuenta?',
    'signIn.switch': 'Crea una',
    'signIn.demo': 'Usar la cuenta de demostración',
    'signIn.name': 'Nombre',
    'signIn.optional': '(opcional)',
    'signIn.email': 'Correo electrónico',
    'signIn.password': 'Contraseña',
    'signIn.passwordHint': 'Al menos 8 caracteres.',
    'signIn.emailMissing': 'Escribe un correo electrónico, como ana@example.com.',
    'signIn.passwordMissing': 'Escribe la contraseña.',
    'signIn.expired': 'Tu sesión ha terminado. Vuelve a entrar, por favor.',
    'signIn.confirm': 'La cuenta está creada. Confirma tu correo electrónico y después entra.',
    'register.title': 'Crear una cuenta',
    'register.submit': 'Crear la cuenta',
    'register.question': '¿Ya tienes cuenta?',
    'register.switch': 'Entra',
    'sessions.label': 'Conversaciones',
    'sessions.new': 'Nueva conversación',
    'sessions.empty': 'Todavía no hay conversaciones.',
    'sessions.more': 'Cargar más',
    'sessions.rename': 'Cambiar el título de esta conversación',
    'sessions.delete': 'Eliminar esta conversación',
    'sessions.deleted': 'La conversación se ha eliminado.',
    'sessions.gone': 'Esa conversación ya no existe.',
    'welcome.title': '¿De qué hablamos?',
    'welcome.hint': 'El primer mensaje empieza una conversación nueva.',
    'welcome.first': '¿Qué sabes hacer?',
    'welcome.second': 'Escribe un poema corto sobre el mar.',
    'welcome.third': 'Explica en tres frases qué es un flujo de eventos.',
    'log.label': 'Mensajes',
    'log.loading': 'Cargando…',
    'log.toBottom': 'Al último mensaje',
    'composer.label': 'Mensaje',
    'composer.placeholder': 'Escribe un mensaje',
    'composer.hint': 'Intro envía; Mayús+Intro empieza otra línea.',
    'composer.send': 'Enviar',
    'composer.stop': 'Detener la respuesta',
    'message.user': 'Tú',
    'message.assistant': 'Asistente',
    'message.replying': 'El asistente está respondiendo.',
    'message.reply': 'Asistente: {text}',
    'message.stopping': 'Deteniendo…',
    'message.reconnecting': 'Se ha cortado la conexión. Reconectando…',
    'message.stopped': 'Detenida.',
    'message.interrupted': 'Interrumpida: la respuesta no está completa.',
    'message.failed': 'Ha fallado: la respuesta no está completa.',
    'message.running': 'La respuesta aún se está escribiendo, pero ahora no se puede seguir.',
    'message.length': 'Cortada por el límite de longitud.',
    'message.again': 'Enviar de nuevo',
    'message.reconnect': 'Reconectar',
    'dialog.cancel': 'Cancelar',
    'rename.title': 'Cambiar el título',
    'rename.label': 'Título',
    'rename.save': 'Guardar',
    'delete.title': '¿Eliminar esta conversación?',
    'delete.what': 'y todos sus mensajes desaparecerán para siempre.',
    'delete.confirm': 'Eliminar',
    'notice.again': 'Reintentar',
    'error.network': 'No se puede contactar con el servidor. Revisa tu conexión.',
    'error.status': 'Algo ha salido mal (estado {status}).',
    'error.after': '{sentence} Inténtalo de nuevo en {seconds} s.',
    'error.kept': '{sentence} Tu mensaje no se ha enviado.',
    'error.invalid_request': 'El servidor no ha aceptado los datos.',
    'error.content_required': 'El mensaje está vacío.',
    'error.content_too_long': 'El mensaje es demasiado largo.',
    'error.weak_password': 'La contraseña es demasiado débil: usa al menos 8 caracteres.',
    'error.unauthorized': 'Inicia sesión, por favor.',
    'error.invalid_credentials': 'El correo electrónico o la contraseña no son correctos.',
    'error.email_taken': 'Ya hay una cuenta con este correo electrónico.',
    'error.not_found': 'Esto ya no existe.',
    'error.run_in_progress': 'En esta conversación aún se está escribiendo una respuesta.',
    'error.payload_too_large': 'El mensaje es demasiado largo.',
    'error.request_timeout': 'La petición ha tardado demasiado.',
    'error.context_too_long': 'La conversación es demasiado larga para el modelo.',
    'error.content_filtered': 'El proveedor del modelo ha bloqueado este contenido.',
    'error.rate_limited': 'Demasiadas peticiones.',
    'error.internal_error': 'Algo ha fallado en el servidor.',
    'error.upstream_error': 'El modelo no ha podido responder.',
    'error.upstream_misconfigured': 'El modelo no está bien configurado en el servidor.',
    'error.upstream_throttled': 'El modelo está saturado.',
    'error.upstream_timeout': 'El modelo ha tardado demasiado.',
    'error.upstream_truncated': 'El modelo se ha cortado a mitad de la respuesta.',
    'error.interrupted': 'La respuesta se ha interrumpido.',
    'error.shutting_down': 'El servidor se está reiniciando.',
    'error.database_busy': 'El servidor está ocupado.',
    'error.database_unavailable': 'El servidor no puede acceder a su base de datos.',
    'error.storage_full': 'El servidor se ha quedado sin espacio.',
  },
};

const storageKey = 'chatapi.language';
const said = new WeakMap();
let current = chosen() ?? preferred();

function chosen() {
  const code = localStorage.getItem(storageKey);
  return code in texts ? code : null;
}

function preferred() {
  return navigator.languages.map(tag => tag.slice(0, 2).toLowerCase()).find(code => code in texts) ?? 'en';
}

export const language = () => current;

/** Changes the language of the whole page and remembers it. */
export function setLanguage(code) {
  localStorage.setItem(storageKey, code);
  current = code;
  translate(document);
  document.dispatchEvent(new Event('languagechanged'));
}

export const known = key => key in texts[current];

export function t(key, values = {}) {
  return (texts[current][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Says something that is made of other things than a key alone; it follows a change of the language. */
export function say(element, sentence) {
  said.set(element, sentence);
  element.dataset.said = '';
  element.textContent = sentence();
}

/** Puts everything under the root into the current language. */
export function translate(root) {
  document.documentElement.lang = current;
  for (const element of root.querySelectorAll('[data-text]')) element.textContent = t(element.dataset.text);
  for (const element of root.querySelectorAll('[data-label]')) {
    element.setAttribute('aria-label', t(element.dataset.label));
    if (element.localName === 'button') element.title = t(element.dataset.label);
  }
  for (const element of root.querySelectorAll('[data-placeholder]')) element.placeholder = t(element.dataset.placeholder);
  for (const element of root.querySelectorAll('[data-said]')) element.textContent = said.get(element)();
}

/** A day for what is older than today, otherwise the time; as the browser's country writes it. */
export function shortTime(iso) {
  const date = new Date(iso);
  const now = new Date();
  const options = date.toDateString() === now.toDateString() ? { timeStyle: 'short' }
    : date.getFullYear() === now.getFullYear() ? { day: 'numeric', month: 'short' }
      : { dateStyle: 'short' };
  const locale = navigator.languages.find(tag => tag.toLowerCase().startsWith(current)) ?? current;
  return new Intl.DateTimeFormat(locale, options).format(date);
}
