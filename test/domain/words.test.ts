/** How texts are taken apart for search. */
import { describe, expect, test } from "vitest";
import { keysOf, neededKeys, runsOf } from "../../src/domain/words.ts";

function words(text: string): string[] {
  return runsOf(text).map((run) => run.map(({ folded }) => folded).join("|"));
}

/** What the parts cover of the text. */
function covered(text: string): string[] {
  return runsOf(text).flatMap((run) => run.map(({ start, length }) => text.slice(start, start + length)));
}

describe("words", () => {
  test.each([
    ["Hello, world!", ["hello", "world"]],
    ["CAFÉ café Cafe\u0301", ["cafe", "cafe", "cafe"]],
    ["ПРИВЕТ, Ёлка", ["привет", "елка"]],
    ["ΣΊΣΥΦΟΣ σίσυφος", ["σισυφοσ", "σισυφοσ"]],
    ["Straße STRASSE İstanbul ISTANBUL", ["strasse", "strasse", "istanbul", "istanbul"]],
    ["Ærø Łódź", ["aero", "lodz"]],
    ["ﬁne ＷＩＤＥ ①", ["fine", "wide", "1"]],
    ["don't foo_bar a@b.example", ["don", "t", "foo", "bar", "a", "b", "example"]],
    ["שָׁלוֹם مَرْحَبًا", ["שלום", "مرحبا"]],
    ["हिन्दी", ["हिन्दी"]],
    ["🎉 \u0301 …", []],
  ])("%s", (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  test.each([
    ["我喜欢猫", ["我|喜|欢|猫"]],
    ["iPhone手机15号", ["iphone", "手|机", "15", "号"]],
    ["ガラス ｶﾞﾗｽ カ\u3099ラス", ["ガ|ラ|ス", "ガ|ラ|ス", "ガ|ラ|ス"]],
    ["แมวดำ", ["แ|ม|ว|ด|ำ".normalize("NFKC")]],
    ["고양이", ["고|양|이"]],
    ["𠮷野家", ["𠮷|野|家"]],
  ])("of scripts without spaces: %s", (text, expected) => {
    expect(words(text).map((word) => word.normalize("NFKC"))).toEqual(expected);
  });

  test("have their places in UTF-16 code units of the text", () => {
    expect(covered("a 😀 Cafe\u0301, 𠮷野x")).toEqual(["a", "Cafe\u0301", "𠮷", "野", "x"]);
  });

  test("are found by their keys; several signs by their pairs", () => {
    expect([...keysOf(runsOf("猫好き cat"))]).toEqual(["猫", "好", "き", "猫 好", "好 き", "cat"]);
    expect([...neededKeys(runsOf("猫好き cat 犬"))]).toEqual(["猫 好", "好 き", "cat", "犬"]);
  });

  test("take time in proportion to the text", () => {
    for (const text of [
      "é".repeat(16_000),
      "猫".repeat(16_000),
      "\u0301".repeat(16_000),
      "a猫".repeat(8_000),
    ]) {
      expect(keysOf(runsOf(text)).size).toBeLessThan(4);
    }
  });
});
