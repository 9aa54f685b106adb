/** Matrix' HTML as the chat's texts. */
import type { Element, ElementContent, Root } from "hast";
import { toText } from "hast-util-to-text";
import rehypeParse from "rehype-parse";
import rehypeRemark from "rehype-remark";
import rehypeSanitize from "rehype-sanitize";
import remarkGfm from "remark-gfm";
import remarkStringify from "remark-stringify";
import { unified } from "unified";
import { SKIP, visit } from "unist-util-visit";
import { isTooMuch } from "./limits.ts";
import { pillTarget } from "./pills.ts";
import { withFences } from "./spoilers.ts";
import { SCHEMA } from "./to-html.ts";

/** A text from Matrix as the chat keeps it. */
export interface ChatText {
  text: string;
  format?: "markdown";
  /** The Matrix ids of the pills in it. */
  pills: string[];
}

const reader = unified().use(rehypeParse, { fragment: true });
const cleaner = unified().use(rehypeSanitize, SCHEMA);
const writer = unified()
  .use(rehypeRemark, { handlers: { br: () => ({ type: "break" }) } })
  .use(remarkGfm)
  .use(remarkStringify, {
    ...{ bullet: "-", emphasis: "*", rule: "-", listItemIndent: "one" },
    handlers: { break: () => "\n" },
  });

/**
 * The text that HTML from Matrix shows. Where it is more than lines, links and mentions, the text is Markdown.
 * @returns null when it can't be read, or is too much to be: the plain text beside it counts then
 */
export function chatTextOf(source: string): ChatText | null {
  if (isTooMuch(source)) return null;
  try {
    const tree = reader.parse(source);
    const pills: string[] = [];
    const hides = replaceElements(tree, pills);
    const clean = cleaner.runSync(tree) as Root;
    if (!hides && isPlain(clean)) return { text: toText(clean).trim(), pills };
    return { text: writer.stringify(writer.runSync(clean)).trim(), format: "markdown", pills };
  } catch {
    // Nested more deeply than the parsers can follow. Whatever it is, a text without its format is better than none.
    return null;
  }
}

/** Replaces what only Matrix knows by what the chat writes for it. Adds whom pills name, and tells whether there are spoilers. */
function replaceElements(tree: Root, pills: string[]): boolean {
  let hides = false;
  visit(tree, "element", (node, index = 0, parent) => {
    const spoiler = withFences(node);
    hides ||= spoiler !== null;
    const instead = spoiler ?? insteadOf(node, pills);
    if (instead === null || parent === undefined) return;
    parent.children.splice(index, 1, ...instead);
    // The parts of a spoiler are still to be looked at.
    return [SKIP, spoiler === null ? index + instead.length : index];
  });
  return hides;
}

function insteadOf(node: Element, pills: string[]): ElementContent[] | null {
  switch (node.tagName) {
    // The quote that old clients put before an answer.
    case "mx-reply":
      return [];
    // Pictures within a line are custom emoji: their short code says the same.
    case "img":
      return text(String(node.properties.alt || node.properties.title || "🖼"));
    case "a": {
      const matrixId = pillTarget(node.properties.href);
      if (matrixId === null) return null;
      pills.push(matrixId);
      const name = toText(node).trim();
      return text(name.startsWith("@") ? name : `@${name}`);
    }
    default:
      return null;
  }
}

function text(value: string): ElementContent[] {
  return [{ type: "text", value }];
}

/** Whether there is nothing but lines: of links those that show their own address. */
function isPlain(tree: Root): boolean {
  let plain = true;
  visit(tree, "element", ({ tagName, properties, children: [only] }) => {
    const isAddress = tagName === "a" && only?.type === "text" && only.value === properties.href;
    if (tagName !== "p" && tagName !== "br" && !isAddress) plain = false;
  });
  return plain;
}
