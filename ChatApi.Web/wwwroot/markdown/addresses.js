// Where a link may lead. A model's words may be somebody else's: what is not plainly a page or a mailbox stays text.

const plain = /^(?:https?:\/\/|mailto:)[^\s\p{Cc}\p{Cf}\p{Cs}]+$/iu;

/** The address as the browser will read it, or null where a link must not lead. */
export function addressOf(text) {
  if (!plain.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  // What stands before an @ looks like the host and is not.
  return url.username || url.password ? null : url.href;
}
