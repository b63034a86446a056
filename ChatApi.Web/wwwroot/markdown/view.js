// A growing text in Markdown on the page. All of it is made of elements and text nodes, none of it of markup: what looks
// like HTML is text, whatever it says.

import { translate } from '../texts.js';
import { blocksOf } from './blocks.js';
import { fill } from './inline.js';

const codeTemplate = document.getElementById('code-template');

export class MarkdownView {
  #place;
  #text = '';
  #open = false;
  #settled = { characters: 0, element: null };

  /** @param {HTMLElement} place what is in it belongs to this view */
  constructor(place) {
    this.#place = place;
  }

  /**
   * Shows a text, reading again only what more text can still have changed: the last block, as a rule.
   * @param {string} text
   * @param {boolean} open more of it may come
   */
  show(text, open) {
    if (text === this.#text && open === this.#open) return;
    if (!text.startsWith(this.#text)) this.#settled = { characters: 0, element: null };
    this.#text = text;
    this.#open = open;

    const { characters, element } = this.#settled;
    const lines = text.slice(characters).split('\n');
    const blocks = blocksOf(lines.map(line => line.endsWith('\r') ? line.slice(0, -1) : line));
    const wanted = blocks.map((block, i) => elementOf(block, open && i === blocks.length - 1, 0));
    const shown = likenAfter(this.#place, element, wanted);

    // A block is as it will be when the next one begins for certain, which takes a whole line after its first.
    const last = blocks.findLastIndex(block => block.line < lines.length - 2);
    if (last > 0) {
      const before = lines.slice(0, blocks[last].line).reduce((sum, line) => sum + line.length + 1, 0);
      this.#settled = { characters: characters + before, element: shown[last - 1] };
    }
  }
}

const makers = {
  paragraph: ({ text }, open) => withText('p', text, open),

  // Below the headings of the page and of the message.
  heading: ({ level, text }, open) => withText(`h${Math.min(level + 2, 6)}`, text, open),

  rule: () => document.createElement('hr'),

  code({ language, lines, mark, closed }, open) {
    const element = codeTemplate.content.firstElementChild.cloneNode(true);
    translate(element);
    element.querySelector('.code-language').textContent = language;
    // The first half of the end is not code.
    const shown = open && !closed && mark.startsWith(lines.at(-1)?.trim() || ' ') ? lines.slice(0, -1) : lines;
    element.querySelector('code').textContent = shown.join('\n');
    return element;
  },

  quote: ({ lines }, open, depth) => withBlocks('blockquote', lines, open, depth),

  list({ start, loose, items }, open, depth) {
    const element = document.createElement(start === null ? 'ul' : 'ol');
    if (start !== null && start !== 1) element.start = start;
    if (loose) element.className = 'loose';
    element.append(...items.map((lines, i) => withBlocks('li', lines, open && i === items.length - 1, depth)));
    return element;
  },

  table({ alignments, head, rows }, open) {
    const element = document.createElement('div');
    element.className = 'table';
    element.tabIndex = 0;
    const table = document.createElement('table');
    const section = (tag, cellTag, rows, open) => {
      const part = document.createElement(tag);
      for (const [i, row] of rows.entries()) {
        const line = document.createElement('tr');
        const cells = row.slice(0, alignments.length);
        line.append(...cells.map((text, column) => {
          const alignment = alignments[column] === 'start' ? '' : alignments[column];
          return withText(cellTag, text, open && i === rows.length - 1 && column === cells.length - 1, alignment);
        }));
        part.append(line);
      }
      return part;
    };
    table.append(section('thead', 'th', [head], open && rows.length === 0));
    if (rows.length > 0) table.append(section('tbody', 'td', rows, open));
    element.append(table);
    return element;
  },
};

const elementOf = (block, open, depth) => makers[block.type](block, open, depth);

function withText(tag, text, open, className = '') {
  const element = document.createElement(tag);
  if (className) element.className = className;
  fill(element, text, open);
  element.dir = 'auto';
  return element;
}

function withBlocks(tag, lines, open, depth) {
  const element = document.createElement(tag);
  const blocks = blocksOf(lines, depth + 1);
  element.append(...blocks.map((block, i) => elementOf(block, open && i === blocks.length - 1, depth + 1)));
  element.dir = 'auto';
  return element;
}

/**
 * Makes the children that come after one of them (or all) the same as what is wanted, and touches only what differs: a
 * selection, the focus and the scroll of a table stay.
 * @returns {Node[]} the children that are now there
 */
function likenAfter(parent, before, wanted) {
  // From one to the next: finding a child by its number takes as long as there are children.
  let shown = before ? before.nextSibling : parent.firstChild;
  const children = wanted.map(child => {
    const current = shown;
    shown = shown?.nextSibling ?? null;
    if (current && liken(current, child)) return current;
    if (current) current.replaceWith(child);
    else parent.append(child);
    return child;
  });
  while (shown) {
    const next = shown.nextSibling;
    shown.remove();
    shown = next;
  }
  return children;
}

/** Whether it could be made the same. */
function liken(shown, wanted) {
  if (shown.isEqualNode(wanted)) return true;
  if (shown.nodeName !== wanted.nodeName) return false;
  if (shown.nodeType === Node.TEXT_NODE) {
    if (wanted.data.startsWith(shown.data)) shown.appendData(wanted.data.slice(shown.data.length));
    else shown.data = wanted.data;
    return true;
  }
  // A direction that depends on the words would be looked for again at each word that comes here, and at each that leaves there.
  const followsWords = wanted.dir === 'auto';
  for (const element of [shown, wanted]) if (element.dir === 'auto') element.removeAttribute('dir');
  likenAfter(shown, null, [...wanted.childNodes]);
  for (const { name } of [...shown.attributes]) if (!wanted.hasAttribute(name)) shown.removeAttribute(name);
  for (const { name, value } of wanted.attributes) if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  if (followsWords) shown.dir = 'auto';
  return true;
}
