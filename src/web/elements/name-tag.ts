/** The name at the head of a message, with a badge unless it is a user's. */
import type { WireActor } from "../../protocol/frames.ts";
import { element } from "./element.ts";
import { OUTSIDERS } from "./names.ts";

export function nameTag({ kind, name }: WireActor): HTMLElement {
  const outsider = OUTSIDERS[kind];
  const tag = element("span", { className: "author" }, element("b", { dir: "auto" }, name));
  if (outsider) {
    const { word, title } = outsider;
    tag.append(element("span", { className: "outsider", title }, word));
  }
  return tag;
}
