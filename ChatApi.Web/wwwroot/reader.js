// Keeps the end of the conversation in view for a reader who is there, and leaves one alone who is not.

const near = 32;

export class Reader {
  #scroller;
  #button;
  #atEnd = true;

  constructor(scroller, content, button) {
    this.#scroller = scroller;
    this.#button = button;
    scroller.addEventListener('scroll', () => this.#look(), { passive: true });
    button.addEventListener('click', () => this.toEnd());
    // The text grows, the window shrinks when the keyboard of a phone appears: both move the end.
    const observer = new ResizeObserver(() => this.#atEnd ? this.toEnd() : this.#look());
    observer.observe(scroller);
    observer.observe(content);
  }

  toEnd() {
    this.#atEnd = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#button.hidden = true;
  }

  #look() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < near;
    this.#button.hidden = this.#atEnd;
  }
}
