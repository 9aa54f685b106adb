/** What an operator says that values of claims stand for: lists of `value=meaning`. */
import type { OrganizationRole } from "../model.ts";

const ROLES: readonly OrganizationRole[] = ["member", "chat", "admin"];

/** What OIDC_ORGANIZATIONS says. `value` is null for an id alone, which is everybody's. Empty: the text is none. */
export function organizationsOf(text: string): { value: string | null; id: number }[] {
  const list = pairsOf(text).map(({ value, meaning }) => ({ value, id: Number(meaning) }));
  return list.every(({ id }) => Number.isSafeInteger(id) && id > 0) ? list : [];
}

/** What OIDC_ROLES says. Empty: the text is none. */
export function rolesOf(text: string): { value: string; role: OrganizationRole }[] {
  const list = pairsOf(text);
  const known = list.flatMap(({ value, meaning }) => {
    const role = ROLES.find((one) => one === meaning);
    return value !== null && role ? [{ value, role }] : [];
  });
  return known.length === list.length ? known : [];
}

/** `value=meaning` with commas between; the last `=` counts, and without one there is a meaning alone. */
function pairsOf(text: string): { value: string | null; meaning: string }[] {
  return text.split(",").map((one) => {
    const at = one.lastIndexOf("=");
    return { value: at < 0 ? null : one.slice(0, at).trim(), meaning: one.slice(at + 1).trim() };
  });
}
