/** [B.8.6] Mentions in texts: what is one, and what stays text. */
import { expect, test } from "vitest";
import { mentionedIds, takeApart } from "../../../src/domain/messages/mentions.ts";
import type { User } from "../../../src/domain/model.ts";
import type { TextPart } from "../../../src/domain/use-cases/messages.ts";

const KNOWN = ["ada", "ada.l", "bob", "bob@example.org", "with space"];

/** Mentions in brackets. */
function shown(text: string): string {
  const parts = takeApart(text, (id, source) =>
    KNOWN.includes(id) ? { kind: "user", source, user: { handle: id } as User } : null,
  );
  return parts
    .map((part: TextPart) => (part.kind === "user" ? `[${part.user.handle}]` : textOf(part)))
    .join("");
}

function textOf(part: TextPart): string {
  return part.kind === "text" ? part.text : "?";
}

test.each([
  ["@ada hello", "[ada] hello"],
  ["hello @ada", "hello [ada]"],
  ["(@ada)", "([ada])"],
  ["@ada, @bob!", "[ada], [bob]!"],
  ["@ada,@bob", "[ada],[bob]"],
  ["ask @ada.", "ask [ada]."],
  ["ask @ada.l.", "ask [ada.l]."],
  ["ask @ada...", "ask [ada]..."],
  ["@bob@example.org is one id", "[bob@example.org] is one id"],
  ['@"with space" and @"ada"', "[with space] and [ada]"],
  ["@nobody stays", "@nobody stays"],
  ["mail to me@ada today", "mail to me@ada today"],
  ["é@ada", "é@ada"],
  ["@", "@"],
  ['@"unclosed', '@"unclosed'],
  ["@ada @ada", "[ada] [ada]"],
  ["👋@ada", "👋[ada]"],
])("[B.8.6] %s", (text, expected) => {
  expect(shown(text)).toBe(expected);
});

test("[B.8.6] the ids that texts may mention are each asked for once", () => {
  expect(mentionedIds(["@ada. @bob", '@bob @"guest/ab"'])).toEqual(["ada.", "ada", "bob", "guest/ab"]);
});
