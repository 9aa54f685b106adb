/** Names of people in Matrix, who write there what they like. */
import { isInvisible } from "../../src/domain/text-rules.ts";
import { cleanText } from "./matrix-events.ts";

/** Causeway's limit on names, in code points. */
const MAX_NAME = 200;

/** The name as Causeway accepts it: well-formed, visible and not too long; empty when nothing is left. */
export function acceptedName(name: string): string {
  const clean = cleanText(name).trim();
  return isInvisible(clean) ? "" : [...clean].slice(0, MAX_NAME).join("");
}
