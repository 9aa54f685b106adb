/** The round picture of somebody, or of a room, who has none: the first letter on a colour of their own. */
import { element } from "./element.ts";

export function avatar(key: string, name: string): HTMLElement {
  const [letter = "?"] = name.trim();
  const circle = element("span", { className: "avatar", ariaHidden: "true" }, letter.toUpperCase());
  circle.style.setProperty("--hue", String(hueOf(key)));
  return circle;
}

/** Degrees between the colours of keys that differ by one, so that neighbours are told apart. */
const GOLDEN_ANGLE = 137.5;

/** The same for the same key, 0–359. */
function hueOf(key: string): number {
  const hash = [...key].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 65_521, 7);
  return (hash * GOLDEN_ANGLE) % 360;
}
