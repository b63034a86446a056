// The blocks of a text in Markdown, as data. Two rules keep a stream of text cheap and calm. Where a block begins is known
// from its own line and the one after it, so that nothing that comes later changes what lies before. And what looks like
// something else while its line is only half there, such as a heading's underline, is left out of the language.
//
// Each pattern is anchored and has no two neighbours that match the same: no text makes one slow.

const deepest = 12;
const fence = /^[ \t]*(`{3,}|~{3,})([^`]*)$/;
const heading = /^[ \t]*(#{1,6})(?:[ \t]|$)/;
const quote = /^[ \t]*>/;
const item = /^[ \t]*([-*+]|\d{1,9}[.)])(?=[ \t]|$)/;

const isBlank = line => line.trim() === '';
const isRule = line => /^(?:-{3,}|\*{3,}|_{3,})$/.test(line.replace(/[ \t]+/g, ''));

/**
 * @param {string[]} lines
 * @param {number} depth of the containers around them; where it is too deep, quotes and lists are text
 * @returns {{ type: string, line: number }[]} each with the line it begins in, and what its type needs
 */
export function blocksOf(lines, depth = 0) {
  const readers = depth < deepest ? [code, title, rule, quotation, list, table, paragraph] : [code, title, rule, table, paragraph];
  const blocks = [];
  for (let at = 0; at < lines.length;) {
    if (isBlank(lines[at])) {
      at++;
      continue;
    }
    let block = null;
    for (let i = 0; !block; i++) block = readers[i](lines, at);
    blocks.push({ ...block, line: at });
    at = block.end;
  }
  return blocks;
}

function code(lines, at) {
  const opening = fence.exec(lines[at]);
  if (!opening) return null;
  const [, mark, info] = opening;
  const indent = indentOf(lines[at]);
  const isEnd = line => line.trim().length >= mark.length && line.trim() === mark[0].repeat(line.trim().length);
  let end = at + 1;
  while (end < lines.length && !isEnd(lines[end])) end++;
  return {
    type: 'code',
    language: info.trim().split(/[\s{]/, 1)[0].slice(0, 40),
    lines: lines.slice(at + 1, end).map(line => dedent(line, indent)),
    mark,
    closed: end < lines.length,
    end: Math.min(end + 1, lines.length),
  };
}

function title(lines, at) {
  const opening = heading.exec(lines[at]);
  if (!opening) return null;
  let text = lines[at].slice(opening[0].length).trim();
  // A row of # at the end belongs to the mark, if it stands alone.
  let last = text.length;
  while (text[last - 1] === '#') last--;
  if (last === 0 || /[ \t]/.test(text[last - 1])) text = text.slice(0, last).trimEnd();
  return { type: 'heading', level: opening[1].length, text, end: at + 1 };
}

const rule = (lines, at) => isRule(lines[at]) ? { type: 'rule', end: at + 1 } : null;

function quotation(lines, at) {
  if (!quote.test(lines[at])) return null;
  const inner = [];
  let end = at;
  for (; end < lines.length; end++) {
    if (quote.test(lines[end])) inner.push(lines[end].replace(/^[ \t]*> ?/, ''));
    else if (goesOn(lines, end, inner.at(-1))) inner.push(lines[end]);
    else break;
  }
  return { type: 'quote', lines: inner, end };
}

function list(lines, at) {
  const first = item.exec(lines[at]);
  if (!first) return null;
  const kind = first[1].at(-1);
  const outer = indentOf(lines[at]);
  const items = [];
  let inner = Infinity;
  let loose = false;
  let end = at;
  for (; end < lines.length; end++) {
    const line = lines[end];
    const next = item.exec(line);
    const afterBlank = items.at(-1)?.at(-1) === '';
    if (isBlank(line)) {
      items.at(-1).push('');
    } else if (indentOf(line) >= Math.min(inner, outer + 2) && items.length > 0) {
      // Models often indent by two, also below "1. ".
      items.at(-1).push(dedent(line, inner));
    } else if (next?.[1].at(-1) === kind && !isRule(line)) {
      loose ||= afterBlank && items.length > 0;
      const rest = line.slice(next[0].length);
      const gap = indentOf(rest);
      inner = indentOf(line) + next[1].length + (gap >= 1 && gap <= 4 ? gap : 1);
      items.push(isBlank(rest) ? [] : [rest.trimStart()]);
    } else if (!afterBlank && goesOn(lines, end, items.at(-1).at(-1))) {
      items.at(-1).push(line);
    } else {
      break;
    }
  }
  return { type: 'list', start: kind === '.' || kind === ')' ? Number.parseInt(first[1], 10) : null, loose, items, end };
}

function table(lines, at) {
  const alignments = alignmentsAt(lines, at);
  if (!alignments) return null;
  let end = at + 2;
  while (end < lines.length && lines[end].includes('|') && !interrupts(lines, end)) end++;
  return { type: 'table', alignments, head: cellsOf(lines[at]), rows: lines.slice(at + 2, end).map(cellsOf), end };
}

function paragraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && !isBlank(lines[end]) && !interrupts(lines, end)) end++;
  return { type: 'paragraph', text: lines.slice(at, end).map(line => line.trim()).join('\n'), end };
}

/** Whether the line begins something new right below a paragraph. A line that begins with the number of a year does not. */
function interrupts(lines, at) {
  const line = lines[at];
  const marker = item.exec(line);
  return fence.test(line) || heading.test(line) || quote.test(line) || isRule(line)
    || (marker !== null && !isBlank(line.slice(marker[0].length)) && /^(?:\D|1\D)/.test(marker[1]))
    || alignmentsAt(lines, at) !== null;
}

/** Whether the line belongs to the paragraph above it, though the mark of its quote or the indent of its list is missing. */
function goesOn(lines, at, previous) {
  return previous !== undefined && !isBlank(previous) && !isBlank(lines[at]) && !interrupts(lines, at)
    && !item.test(lines[at]) && !/^[ \t]*(?:`{3}|~{3}|#{1,6}[ \t])/.test(previous);
}

/** How the columns of the table that begins here are aligned; null where none begins. */
function alignmentsAt(lines, at) {
  const ruler = lines[at + 1];
  if (!ruler || !lines[at].includes('|') || !/^[ \t|:-]+$/.test(ruler)) return null;
  const marks = cellsOf(ruler);
  if (!marks.every(mark => /^:?-+:?$/.test(mark)) || marks.length !== cellsOf(lines[at]).length) return null;
  return marks.map(mark => !mark.endsWith(':') ? 'start' : mark.startsWith(':') ? 'center' : 'end');
}

function cellsOf(row) {
  const cells = row.trim().replace(/^\|/, '').split(/(?<!\\)\|/);
  if (cells.length > 1 && isBlank(cells.at(-1))) cells.pop();
  return cells.map(cell => cell.trim().replaceAll('\\|', '|'));
}

/** The column of the first character that is no blank; tabs stop at every fourth. */
function indentOf(line) {
  let column = 0;
  for (const character of line) {
    if (character === ' ') column++;
    else if (character === '\t') column += 4 - column % 4;
    else break;
  }
  return column;
}

/** Takes away up to this many columns of blanks. */
function dedent(line, columns) {
  let column = 0;
  let i = 0;
  for (; column < columns && (line[i] === ' ' || line[i] === '\t'); i++) column += line[i] === ' ' ? 1 : 4 - column % 4;
  return ' '.repeat(Math.max(0, column - columns)) + line.slice(i);
}
