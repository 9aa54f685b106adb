/** Spoilers: `||hidden||` in the chat's Markdown, `<span data-mx-spoiler>` in Matrix. Pure functions. */
import type { Element } from "hast";
import type { PhrasingContent, Root, RootContent } from "mdast";

const FENCE = "||";
const PHRASES = new Set(["paragraph", "heading", "strong", "emphasis", "delete", "tableCell"]);

/** A plugin of unified: finds pairs of `||` among the children of a paragraph or another phrase. */
export function findSpoilers() {
  return (tree: Root) => markIn(tree);
}

function markIn(parent: Root | RootContent): void {
  if (!("children" in parent)) return;
  for (const child of parent.children) markIn(child);
  if (PHRASES.has(parent.type)) parent.children = hidePairs(parent.children as PhrasingContent[]);
}

function hidePairs(children: PhrasingContent[]): PhrasingContent[] {
  const parts = children.flatMap(cutAtFences);
  const fences = parts.flatMap((part, i) => (isFence(part) ? [i] : []));
  const shown: PhrasingContent[] = [];
  let end = 0;
  for (let i = 0; i + 1 < fences.length; i += 2) {
    const [opens = 0, closes = 0] = fences.slice(i, i + 2);
    shown.push(...parts.slice(end, opens), spoiler(parts.slice(opens + 1, closes)));
    end = closes + 1;
  }
  return [...shown, ...parts.slice(end)];
}

function isFence(node: PhrasingContent): boolean {
  return node.type === "text" && node.value === FENCE;
}

function cutAtFences(node: PhrasingContent): PhrasingContent[] {
  if (node.type !== "text") return [node];
  const values = node.value.split(/(\|\|)/).filter((value) => value !== "");
  return values.map((value) => ({ type: "text", value }));
}

/** Emphasis in the tree, so that every tool knows it as a part of a line; it is written as a spoiler. */
function spoiler(children: PhrasingContent[]): PhrasingContent {
  return { type: "emphasis", children, data: { hName: "span", hProperties: { dataMxSpoiler: "" } } };
}

/** What an element is in the chat's Markdown, if Matrix marks it as a spoiler. */
export function withFences({ properties, children }: Element): Element["children"] | null {
  if (properties.dataMxSpoiler === undefined) return null;
  return [{ type: "text", value: FENCE }, ...children, { type: "text", value: FENCE }];
}
