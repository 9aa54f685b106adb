/** Mentions in texts: `@Name` in the chat, a link to the person's Matrix id in Matrix ("pill"). */
import type { PhrasingContent } from "mdast";

/** Somebody whom a message mentions. */
export interface Mentioned {
  matrixId: string;
  name: string;
  /** The ways in which a text may name them, without `@`. */
  written: readonly string[];
}

const ADDRESS = "https://matrix.to/#/";

/** The replacements that make pills of the mentions in a text, for `mdast-util-find-and-replace`. Longer names win. */
export function pillsOf(
  mentioned: readonly Mentioned[],
): [RegExp, (match: string, name: string) => PhrasingContent][] {
  const byWriting = new Map(
    mentioned.flatMap((one) => one.written.flatMap((name) => (name === "" ? [] : [[name, one] as const]))),
  );
  if (byWriting.size === 0) return [];
  const names = [...byWriting.keys()].sort((a, b) => b.length - a.length).map(escaped);
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}_])@("?)(${names.join("|")})\\1(?![\\p{L}\\p{N}_])`, "gu");
  const pill = (_match: string, _quote: string, name = ""): PhrasingContent => {
    const one = byWriting.get(name);
    const value = one?.name ?? name;
    return {
      type: "link",
      url: ADDRESS + encodeURI(one?.matrixId ?? ""),
      children: [{ type: "text", value }],
    };
  };
  return [[pattern, pill]];
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** The Matrix id that a link leads to, or null: links to rooms, events and other places are no mentions. */
export function pillTarget(href: unknown): string | null {
  if (typeof href !== "string" || !href.startsWith(ADDRESS)) return null;
  try {
    const [target = ""] = decodeURIComponent(href.slice(ADDRESS.length)).split("?");
    return /^@[^:/]+:[^/]+$/.test(target) ? target : null;
  } catch {
    return null;
  }
}
