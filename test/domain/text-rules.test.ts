/** What can be seen of a text, and which reactions look the same. */
import { expect, test } from "vitest";
import { checkName, isInvisible, reactionName } from "../../src/domain/text-rules.ts";

const NOTHING = [
  "",
  " \t\n",
  "\u00a0\u2003",
  "\u200b",
  "\u200b \u200d\u2060\ufeff",
  "\u3164",
  "\u{1D159}",
  "\u{13441}\u{13442}",
  "\u{16FE4}",
  "\uFFFC\uFDD0\u{1FFFE}",
  "\u202e\u2066\u2069",
  "\u115f\u1160\uffa0",
  "\u2800",
  "\ufe0f",
  "\u00ad",
  "\u{e0041}\u{e007f}",
  "\u0007",
];
const SOMETHING = ["a", " a ", ".", "\u200ba", "👨‍👩‍👧", "❤️", "한", "\u0301x", "1", "\u202eabc", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"];

test("spaces, directions, joiners and fillers alone can't be seen", () => {
  for (const text of NOTHING) expect(isInvisible(text), JSON.stringify(text)).toBe(true);
  for (const text of SOMETHING) expect(isInvisible(text), text).toBe(false);
});

test("a name has something to see", () => {
  for (const name of NOTHING)
    expect(() => checkName("name", name), JSON.stringify(name)).toThrow(/^name must /);
  for (const name of SOMETHING) expect(checkName("name", name)).toBe(name.trim());
});

test("a reaction has one name, with or without the variation selector and however it is composed", () => {
  const same: [string, ...string[]][] = [
    ["❤️", "❤"],
    ["☝🏽", "☝\ufe0f🏽"],
    ["🤷🏽‍♂️", "🤷🏽‍♂"],
    ["👁️‍🗨️", "👁‍🗨", "👁️‍🗨"],
    ["1️⃣", "1⃣"],
    ["🏳️‍🌈", "🏳‍🌈"],
    ["👍", "👍\ufe0f"],
    ["🇩🇪"],
    ["caf\u00e9", "cafe\u0301"],
    ["red_angry_face"],
    ["+1"],
    ["#1"],
  ];
  for (const [name, ...others] of same) {
    for (const one of [name, ...others]) expect(reactionName(one), one).toBe(name);
  }
});
