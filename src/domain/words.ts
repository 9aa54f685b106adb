/**
 * The words of a text, as search compares them: without case, accents and forms of the same letter. The program takes
 * texts apart, not the database, because what the database does depends on its locale: in the locale C it lowers nothing
 * but ASCII and makes no trigrams of other letters.
 */

/** A word, or one sign of a script that puts no spaces between words. Its place is in UTF-16 code units. */
export interface WordPart {
  /** As it is compared. */
  folded: string;
  start: number;
  length: number;
}

/**
 * What stands together in a text: one word, or all signs of a script without spaces up to the next sign of another kind.
 * Nobody knows where words end in such a script, so each sign is a part.
 */
export type Run = readonly WordPart[];

const RUNS = /[\p{L}\p{N}\p{M}]+/gu;
/** Scripts without spaces, and Hangul, whose words grow by endings. */
const SCRIPTS =
  "\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Hang}\\p{scx=Thai}\\p{scx=Laoo}\\p{scx=Khmr}\\p{scx=Mymr}\\p{scx=Tibt}";
const SPACELESS = new RegExp(`[${SCRIPTS}]`, "u");
/** What of a run is of these scripts, and what is not. */
const PIECES = new RegExp(`[${SCRIPTS}]+|[^${SCRIPTS}]+`, "gu");
/** A letter with its marks; halfwidth katakana has the marks of sound as letters of their own. */
const SIGNS = /\P{M}[\p{M}\uff9e\uff9f]*|\p{M}+/gu;
const ASCII = /^[\0-\x7f]*$/;
/** Accents, and the vowel points of Hebrew and Arabic. Marks that make another letter in other scripts stay. */
const ACCENTS = new RegExp(
  `[${[
    ...[
      "\\u0300-\\u036f",
      "\\u0483-\\u0487",
      "\\u1ab0-\\u1aff",
      "\\u1dc0-\\u1dff",
      "\\u20d0-\\u20ff",
      "\\ufe20-\\ufe2f",
    ],
    ...["\\ufe00-\\ufe0f", "\\u0591-\\u05bd", "\\u05bf\\u05c1\\u05c2\\u05c4\\u05c5\\u05c7"],
    ...["\\u0610-\\u061a", "\\u0640", "\\u064b-\\u065f", "\\u0670", "\\u06d6-\\u06dc"],
  ].join("")}]`,
  "g",
);
/** Letters that Unicode does not take apart. */
const LETTERS: Record<string, string> = {
  ...{ ß: "ss", æ: "ae", œ: "oe", þ: "th", ø: "o", ł: "l" },
  ...{ đ: "d", ð: "d", ħ: "h", ŧ: "t", ı: "i", ς: "σ" },
};
const LETTER = new RegExp(`[${Object.keys(LETTERS).join("")}]`, "g");

/** The runs of a text, in its order. */
export function runsOf(text: string): Run[] {
  const runs: Run[] = [];
  for (const { 0: found, index } of text.matchAll(RUNS)) {
    if (!SPACELESS.test(found)) addRun(runs, [partOf(found, index)]);
    else for (const piece of found.matchAll(PIECES)) addRun(runs, partsOf(piece[0], index + piece.index));
  }
  return runs;
}

function partsOf(piece: string, start: number): WordPart[] {
  if (!SPACELESS.test(piece)) return [partOf(piece, start)];
  return Array.from(piece.matchAll(SIGNS), ({ 0: sign, index }) => partOf(sign, start + index));
}

function partOf(text: string, start: number): WordPart {
  return { folded: fold(text), start, length: text.length };
}

/** A part of nothing but accents says nothing. */
function addRun(runs: Run[], parts: readonly WordPart[]): void {
  const run = parts.filter(({ folded }) => folded !== "");
  if (run.length > 0) runs.push(run);
}

function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  const bare = text.normalize("NFKD").replace(ACCENTS, "").toLowerCase();
  return bare.replace(LETTER, (letter) => LETTERS[letter] ?? letter).normalize("NFC");
}

/** Under which keys a text is found: its words, its signs, and pairs of signs that stand side by side. */
export function keysOf(runs: readonly Run[]): Set<string> {
  const keys = new Set<string>();
  for (const run of runs) {
    for (const { folded } of run) keys.add(folded);
    for (const key of pairsOf(run)) keys.add(key);
  }
  return keys;
}

/** The keys that a text must have to hold these runs: of several signs the pairs alone, which are rarer. */
export function neededKeys(runs: readonly Run[]): Set<string> {
  return new Set(runs.flatMap((run) => (run.length === 1 ? run.map(({ folded }) => folded) : pairsOf(run))));
}

function pairsOf(run: Run): string[] {
  return run.slice(1).map(({ folded }, before) => `${run[before]?.folded} ${folded}`);
}
