// The marks within a paragraph: emphasis, code, links, line breaks. A text becomes a flat row of pieces, each with the
// elements that open and close at it; pairing them is CommonMark's algorithm, which takes linear time for any text.

import { addressOf } from './addresses.js';
import { Delimiters } from './emphasis.js';

const deepest = 12;
const special = /[\\`*_~[\]!<\n]|\bhttps?:\/\//giu;
const punctuation = /[!-/:-@[-`{-~]/;
const target = /\([ \t]{0,3}(?:<([^<>\n]{0,2000})>|([^\s()<>]{0,2000}(?:\([^\s()<>]{0,500}\)[^\s()<>]{0,2000}){0,8}))(?:\s{1,3}(?:"[^"]{0,300}"|'[^']{0,300}'|\([^()]{0,300}\)))?[ \t]{0,3}\)/y;
const bracketed = /<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>/iy;
const bare = /https?:\/\/[^\s<>[\]*`"|\\]{1,2000}/iy;

// The beginning of a link of which the rest has not come yet.
const halfLink = /!?\[([^[\]\n]{0,300})\]\([^()\s]{0,2000}$/;

/**
 * Puts a text with its marks into an element.
 * @param {boolean} open more of it may come: what has been opened and not closed counts as closed at the end
 */
export function fill(element, text, open) {
  build(element, piecesOf(open ? text.replace(halfLink, '$1') : text, open));
}

function piecesOf(text, open) {
  const pieces = [];
  const delimiters = new Delimiters();
  let brackets = [];
  const ticks = ticksOf(text);
  const add = piece => {
    pieces.push({ text: '', opens: [], closes: 0, ...piece });
    return pieces.at(-1);
  };

  let at = 0;
  const plain = until => {
    if (until > at) add({ text: text.slice(at, until) });
    at = until;
  };
  const link = (match, address) => {
    add({ opens: [{ tag: 'a', address }] });
    add({ text: match });
    add({ closes: 1 });
  };

  const readers = {
    '\n': () => {
      add({ tag: 'br' });
      return 1;
    },
    '\\': () => {
      if (text[at + 1] === '\n') return 1;
      if (!punctuation.test(text[at + 1] ?? '')) return 0;
      add({ text: text[at + 1] });
      return 2;
    },
    '`': () => {
      const length = runAt(text, at);
      const end = ticks.next(length, at);
      if (end === null && !(open && length < 3 && at + length < text.length)) {
        add({ text: '`'.repeat(length) });
        return length;
      }
      const inner = text.slice(at + length, end ?? text.length).replaceAll('\n', ' ');
      const padded = inner.startsWith(' ') && inner.endsWith(' ') && inner.trim() !== '';
      add({ tag: 'code', text: padded ? inner.slice(1, -1) : inner });
      return end === null ? text.length - at : end + length - at;
    },
    '*': () => delimiters.add(add({}), text, at, runAt(text, at)),
    '_': () => delimiters.add(add({}), text, at, runAt(text, at)),
    '~': () => delimiters.add(add({}), text, at, runAt(text, at)),
    '[': () => {
      brackets.push({ piece: add({ text: '[' }), mark: delimiters.last, image: false });
      return 1;
    },
    '!': () => {
      if (text[at + 1] !== '[') return 0;
      brackets.push({ piece: add({ text: '![' }), mark: delimiters.last, image: true });
      return 2;
    },
    ']': () => {
      const opening = brackets.pop();
      const match = opening && matchAt(target, text, at + 1);
      const address = match && addressOf((match[1] ?? match[2]).replace(/\\(?=[!-/:-@[-`{-~])/g, ''));
      // An image that cannot even be linked to still has its words.
      if (!match || (!address && !opening.image)) return 0;
      delimiters.pair(opening.mark);
      opening.piece.text = '';
      opening.piece.opens.push({ tag: address ? 'a' : null, address });
      add({ closes: 1 });
      // No link within a link.
      if (!opening.image) brackets = [];
      return 1 + match[0].length;
    },
    '<': () => {
      const match = matchAt(bracketed, text, at);
      const address = match && addressOf(match[1]);
      if (!address) return 0;
      link(match[1], address);
      return match[0].length;
    },
  };
  const url = () => {
    const match = trimmed(matchAt(bare, text, at)?.[0] ?? '');
    const address = addressOf(match);
    if (!address) return 0;
    link(match, address);
    return match.length;
  };

  special.lastIndex = 0;
  for (let match; (match = special.exec(text)); special.lastIndex = at) {
    plain(match.index);
    const length = (readers[match[0]] ?? url)();
    if (length === 0) plain(at + match[0].length);
    else at += length;
  }
  plain(text.length);
  delimiters.pair(null);
  if (open) delimiters.closeAll(add({}));
  return pieces;
}

function build(root, pieces) {
  const path = [root];
  // Gathered: a text node that grew letter by letter would be copied each time.
  let words = '';
  const flush = () => {
    if (words) path.at(-1).append(words);
    words = '';
  };
  for (const { text, tag, opens, closes } of pieces) {
    for (let i = 0; i < closes; i++) {
      if (path.at(-1) !== path.at(-2)) flush();
      const closed = path.pop();
      // A link without words shows where it leads.
      if (closed.localName === 'a' && closed !== path.at(-1) && !closed.hasChildNodes()) closed.append(closed.href);
    }
    if (tag) {
      flush();
      const leaf = document.createElement(tag);
      if (text) leaf.append(text);
      path.at(-1).append(leaf);
    } else {
      words += text;
    }
    for (const opened of opens.toReversed()) {
      const element = mayOpen(path, opened) ? elementOf(opened) : null;
      if (element) {
        flush();
        path.at(-1).append(element);
      }
      // Where it must not be, the words go on without it.
      path.push(element ?? path.at(-1));
    }
  }
  flush();
}

const mayOpen = (path, { tag }) =>
  tag !== null && path.length <= deepest && (tag !== 'a' || path.every(element => element.localName !== 'a'));

function elementOf({ tag, address }) {
  const element = document.createElement(tag);
  if (tag === 'a') Object.assign(element, { href: address, target: '_blank', rel: 'noopener noreferrer' });
  return element;
}

/** Finds for a row of back-ticks the next one of the same length, in linear time for all together. */
function ticksOf(text) {
  const places = new Map();
  for (const { 0: run, index } of text.matchAll(/`+/g)) {
    if (!places.has(run.length)) places.set(run.length, []);
    places.get(run.length).push(index);
  }
  for (const list of places.values()) list.reverse();
  return {
    next(length, after) {
      const list = places.get(length) ?? [];
      while (list.at(-1) <= after) list.pop();
      return list.at(-1) ?? null;
    },
  };
}

function runAt(text, at) {
  let end = at + 1;
  while (text[end] === text[at]) end++;
  return end - at;
}

function matchAt(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** An address in running text, without what ends the sentence. */
function trimmed(address) {
  let end = address.length;
  let surplus = [...address].reduce((sum, character) => sum + (character === ')') - (character === '('), 0);
  for (; end > 0; end--) {
    const last = address[end - 1];
    if (last === ')' ? surplus-- <= 0 : !/[.,:;!?'_~]/.test(last)) break;
  }
  return address.slice(0, end);
}
