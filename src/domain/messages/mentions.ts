/** Parses mentions as Talk's clients write them: `@id`, `@"id with spaces"`, `@all` and `@"guest/<id>"`. Pure functions. */
import type { TextPart } from "../use-cases/messages.ts";

/**
 * A mention does not begin within a word, so that e-mail addresses are none. Without quotes an id ends before the first
 * character that ids can't contain, such as a comma.
 */
const MENTION = /(?<![\p{L}\p{N}_])@(?:"([^"]{1,255})"|([A-Za-z0-9_.@-]{1,64}))/gu;
/** Punctuation at the end of an id may belong to the id or to the sentence. */
const TRAILING = /[.@-]$/;

interface Candidate {
  id: string;
  /** The mention as written, with @ and quotes. */
  source: string;
}

/** The ids that a mention may mean, the longest first. */
function candidatesOf([source, quoted, plain]: RegExpExecArray): Candidate[] {
  if (quoted !== undefined) return [{ id: quoted, source }];
  const candidates: Candidate[] = [];
  let id = plain ?? "";
  for (; id.length > 0; id = id.slice(0, -1)) {
    candidates.push({ id, source: `@${id}` });
    if (!TRAILING.test(id)) break;
  }
  return candidates;
}

/** All ids that texts may mention, each once. */
export function mentionedIds(texts: readonly string[]): string[] {
  const found = texts.flatMap((text) => [...text.matchAll(MENTION)].flatMap(candidatesOf));
  return [...new Set(found.map(({ id }) => id))];
}

/** Splits a text into text and mentions. Ids that `resolve` does not know stay text. */
export function takeApart(
  text: string,
  resolve: (id: string, source: string) => Exclude<TextPart, { kind: "text" }> | null,
): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(MENTION)) {
    const mention = candidatesOf(match)
      .map(({ id, source }) => resolve(id, source))
      .find((part) => part !== null);
    if (!mention) continue;
    if (match.index > end) parts.push({ kind: "text", text: text.slice(end, match.index) });
    parts.push(mention);
    end = match.index + mention.source.length;
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}
