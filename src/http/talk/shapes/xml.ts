/** Data as XML, the way OCS has it: items of lists are elements, true is 1, and false, null and empty lists are empty. */
import { XMLBuilder } from "fast-xml-parser";

type Node = string | number | { [name: string]: Node | Node[] };

const builder = new XMLBuilder({
  format: true,
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  textNodeName: "#text",
  suppressEmptyNode: true,
});

export function xmlOf(root: string, data: unknown): string {
  return builder.build({ "?xml": { "@version": "1.0", "@encoding": "UTF-8" }, [root]: nodeOf(data) });
}

function nodeOf(value: unknown): Node {
  if (value === true) return 1;
  if (typeof value === "number") return value;
  if (typeof value === "string") return value.replace(NOT_IN_XML, "\uFFFD");
  if (Array.isArray(value)) return value.length === 0 ? "" : { element: value.map(nodeOf) };
  return typeof value === "object" && value !== null ? children(value) : "";
}

function children(object: object): Node {
  const node: { [name: string]: Node | Node[] } = {};
  const unnameable: Node[] = [];
  for (const [key, value] of Object.entries(object)) {
    if (value === undefined) continue;
    if (NAME.test(key)) node[key] = nodeOf(value);
    else unnameable.push(withKey(key, nodeOf(value)));
  }
  if (unnameable.length > 0) node.element = unnameable;
  return Object.keys(node).length === 0 ? "" : node;
}

/** A key that can be no element's name (a user id may begin with a digit) stands in an attribute. */
function withKey(key: string, node: Node): Node {
  return typeof node === "object" ? { "@key": key, ...node } : { "@key": key, "#text": node };
}

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
/** XML 1.0 has no form for these, not even an escaped one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_IN_XML = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu;
