/** Reads a provider's claims, which may be any JSON, as names and addresses that keep our rules. */
import { randomBytes } from "node:crypto";
import { checkEmail, checkName, LIMITS } from "../text-rules.ts";

export type Claims = Readonly<Record<string, unknown>>;

const MAX_HANDLE = 64;
const MAX_URL_LENGTH = 2_000;
/** Room for what tells two people apart. */
const MAX_WANTED_HANDLE = 48;
const SUFFIX_BYTES = 6;

/** A claim by its name; one whose name holds dots may also lie inside of others (`realm_access.roles`). */
export function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let found: unknown = claims;
  for (const part of name.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<string, unknown>)[part];
  }
  return found;
}

/** The claim as somebody's name; null when it is none by our rules. */
export function nameIn(claims: Claims, name: string): string | null {
  return textIn(claims, name, (text) => checkName("name", text));
}

/** The claim as the URL of a picture; null when it is no text, or too long. */
export function pictureIn(claims: Claims, name: string): string | null {
  const url = claimAt(claims, name);
  return typeof url === "string" && url.length <= MAX_URL_LENGTH ? url : null;
}

/** The e-mail address of which the provider says that it is the person's; null when it does not. */
export function verifiedEmailIn(claims: Claims): string | null {
  return claims.email_verified === true ? textIn(claims, "email", checkEmail) : null;
}

function textIn(claims: Claims, name: string, check: (text: string) => string): string | null {
  const value = claimAt(claims, name);
  // A long text is not even looked at.
  if (typeof value !== "string" || value.length > 4 * LIMITS.nameCodePoints) return null;
  try {
    return check(value);
  } catch {
    return null;
  }
}

/** A claim that is a text or a list of them. */
export function textsIn(claims: Claims, name: string): string[] {
  const value = claimAt(claims, name);
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((one) => typeof one === "string");
}

/**
 * Handles for somebody new, the best first: the claim in the characters that handles have, and the same with an ending
 * that nobody else has.
 */
export function handlesFor(claims: Claims, name: string): [wanted: string, unique: string] {
  const value = claimAt(claims, name);
  const text = typeof value === "string" ? value.slice(0, MAX_WANTED_HANDLE) : "";
  const plain = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replaceAll(/[^A-Za-z0-9_.@-]+/g, "-");
  const wanted =
    plain
      .split("-")
      .filter((part) => part !== "")
      .join("-") || "user";
  const ending = randomBytes(SUFFIX_BYTES).toString("hex");
  return [wanted.slice(0, MAX_HANDLE), `${wanted.slice(0, MAX_WANTED_HANDLE)}-${ending}`];
}
