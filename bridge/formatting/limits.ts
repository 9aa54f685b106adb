/** Which texts are read as formatted. What parsers do with hostile ones grows faster than their length. */

/** In UTF-16 units. Longer texts go across as they are written. */
const MAX_LENGTH = 16_000;
/** Characters that can open something in Markdown or HTML. */
const MARKS = /[>*_`[|~<&#\\-]|^[ \t]+|@|www\./gmu;
const MAX_MARKS = 400;
/** So far in, lists would lie in dozens of others. */
const DEEP = /^[ \t]{80}/m;

export function isTooMuch(text: string): boolean {
  return text.length > MAX_LENGTH || DEEP.test(text) || (text.match(MARKS)?.length ?? 0) > MAX_MARKS;
}
