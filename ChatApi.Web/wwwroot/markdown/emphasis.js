// Rows of *, _ and ~, and which of them belong together: CommonMark's rules and its algorithm.

const space = /^(?:\s|$)/u;
const punctuation = /^[\p{P}\p{S}]/u;

export class Delimiters {
  /** The last row that has not been paired. */
  last = null;
  #count = 0;
  #leftOver = null;

  /** Takes a row for a piece; returns its length. */
  add(piece, text, at, length) {
    const mark = text[at];
    const before = text[at - 1] ?? '';
    const after = String.fromCodePoint(text.codePointAt(at + length) ?? 32);
    const left = !space.test(after) && (!punctuation.test(after) || space.test(before) || punctuation.test(before));
    const right = !space.test(before) && (!punctuation.test(before) || space.test(after) || punctuation.test(after));
    piece.text = text.slice(at, at + length);
    if (mark === '~' && length !== 2) return length;
    const row = {
      piece,
      mark,
      length,
      rest: length,
      index: this.#count++,
      opens: mark === '_' ? left && (!right || punctuation.test(before)) : left,
      closes: mark === '_' ? right && (!left || punctuation.test(after)) : right,
      previous: this.last,
      next: null,
    };
    if (this.last) this.last.next = row;
    this.last = row;
    return length;
  }

  /** Pairs the rows after this one; those that are left over are text. */
  pair(bottom) {
    // Below which row there is nothing for a closing row of this kind: it is not searched again.
    const floors = new Map();
    let closer = this.#after(bottom);
    while (closer) {
      if (!closer.closes) {
        closer = closer.next;
        continue;
      }
      const kind = `${closer.mark}${closer.opens}${closer.length % 3}`;
      const floor = floors.get(kind) ?? bottom?.index ?? -1;
      let opener = closer.previous;
      while (opener && opener.index > floor && !fits(opener, closer)) opener = opener.previous;
      if (opener && opener.index > floor) {
        const used = Math.min(opener.rest, closer.rest, 2);
        shorten(opener, used);
        shorten(closer, used);
        opener.piece.opens.push({ tag: tagOf(closer.mark, used) });
        closer.piece.closes++;
        opener.next = closer;
        closer.previous = opener;
        if (opener.rest === 0) this.#remove(opener);
        if (closer.rest > 0) continue;
        this.#remove(closer);
      } else {
        floors.set(kind, closer.previous?.index ?? -1);
        if (!closer.opens) this.#remove(closer);
      }
      closer = closer.next;
    }
    this.#leftOver = this.last;
    this.last = bottom;
    if (bottom) bottom.next = null;
  }

  /** After the last pairing: what could open something, and was not closed, is closed by this piece. */
  closeAll(piece) {
    for (let row = this.#leftOver; row; row = row.previous) {
      if (!row.opens || row.closes) continue;
      while (row.rest > 0) {
        const used = Math.min(row.rest, 2);
        shorten(row, used);
        row.piece.opens.push({ tag: tagOf(row.mark, used) });
        piece.closes++;
      }
    }
  }

  #after(bottom) {
    let first = this.last;
    while (first && first.previous !== bottom) first = first.previous;
    return first;
  }

  #remove(row) {
    if (row.previous) row.previous.next = row.next;
    if (row.next) row.next.previous = row.previous;
    else this.last = row.previous;
  }
}

/** Rows that could both open and close fit only if their lengths do not add up to a multiple of three, or each is one. */
function fits(opener, closer) {
  return opener.opens && opener.mark === closer.mark
    && !((opener.closes || closer.opens) && (opener.length + closer.length) % 3 === 0 && (opener.length % 3 || closer.length % 3));
}

function shorten(row, used) {
  row.rest -= used;
  row.piece.text = row.piece.text.slice(used);
}

const tagOf = (mark, used) => mark === '~' ? 'del' : used === 2 ? 'strong' : 'em';
