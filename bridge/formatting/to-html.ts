/** The chat's texts as Matrix' HTML. */
import type { ElementContent, Root as HtmlRoot, RootContent } from "hast";
import type { Paragraph, Root } from "mdast";
import { findAndReplace } from "mdast-util-find-and-replace";
import rehypeSanitize, { defaultSchema, type Options } from "rehype-sanitize";
import rehypeStringify from "rehype-stringify";
import remarkBreaks from "remark-breaks";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";
import { visit } from "unist-util-visit";
import { isTooMuch } from "./limits.ts";
import { type Mentioned, pillsOf } from "./pills.ts";
import { findSpoilers } from "./spoilers.ts";

/** What Matrix clients may be given. Pictures are allowed there from the homeserver's own media alone. */
export const SCHEMA: Options = {
  ...defaultSchema,
  tagNames: [...(defaultSchema.tagNames ?? []).filter((name) => name !== "img" && name !== "input"), "span"],
  attributes: { ...defaultSchema.attributes, span: ["dataMxSpoiler"] },
};

const markdown = unified()
  .use(remarkParse)
  .use(remarkGfm)
  .use(remarkBreaks)
  .use(findSpoilers)
  .use(writeTaskBoxes);
const html = unified()
  // HTML in a text is what the person wrote, and is shown as it stands.
  .use(remarkRehype, { handlers: { html: (_state, { value }) => ({ type: "text", value }) } })
  .use(linkPictures)
  .use(rehypeSanitize, SCHEMA)
  .use(rehypeStringify);

/**
 * The HTML of a text with its mentions as pills; null when the text as it is says the same.
 * @param format how the text is written: `markdown`; unset: as it is
 */
export function htmlOf(
  text: string,
  { format, mentioned }: { format?: "markdown" | undefined; mentioned: readonly Mentioned[] },
): string | null {
  if (isTooMuch(text)) return null;
  const pills = pillsOf(mentioned);
  if (format === undefined && pills.length === 0) return null;
  try {
    const tree = format === "markdown" ? (markdown.runSync(markdown.parse(text)) as Root) : asWritten(text);
    if (pills.length > 0) findAndReplace(tree, pills, { ignore: ["link", "linkReference"] });
    const made = html.runSync(tree);
    return saysTheSame(made, text) ? null : html.stringify(withoutParagraph(made)).trim();
  } catch {
    // Nested more deeply than the parsers can follow. Whatever it is, a text without its format is better than none.
    return null;
  }
}

function asWritten(text: string): Root {
  const children = text
    .split("\n")
    .flatMap((value): Paragraph["children"] => [{ type: "break" }, { type: "text", value }])
    .slice(1);
  return { type: "root", children: [{ type: "paragraph", children }] };
}

/** GitHub's task lists, without form fields, which Matrix does not allow. */
function writeTaskBoxes() {
  return (tree: Root) =>
    visit(tree, "listItem", (item) => {
      const [first] = item.children;
      if (typeof item.checked !== "boolean" || first?.type !== "paragraph") return;
      first.children.unshift({ type: "text", value: item.checked ? "☑ " : "☐ " });
      item.checked = null;
    });
}

function linkPictures() {
  return (tree: HtmlRoot) =>
    visit(tree, "element", (node) => {
      if (node.tagName !== "img") return;
      const { src, alt } = node.properties;
      const value = String(alt || src || "");
      Object.assign(node, { tagName: "a", properties: { href: src }, children: [{ type: "text", value }] });
    });
}

function saysTheSame(tree: HtmlRoot, text: string): boolean {
  let shown = "";
  let isPlain = true;
  visit(tree, (node) => {
    if (node.type === "text") shown += node.value;
    if (node.type === "element" && node.tagName !== "p" && node.tagName !== "br") isPlain = false;
  });
  return isPlain && shown.trim() === text.trim();
}

/** A single paragraph is shown without the space around one. */
function withoutParagraph(tree: HtmlRoot): HtmlRoot {
  const blocks = tree.children.filter((node) => node.type !== "text" || node.value.trim() !== "");
  const [only] = blocks;
  if (blocks.length !== 1 || only?.type !== "element" || only.tagName !== "p") return tree;
  return { type: "root", children: only.children satisfies ElementContent[] as RootContent[] };
}
