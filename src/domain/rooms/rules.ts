/** Rules for a room's settings. Every refusal names the field and the rule. */
import { badField } from "../errors.ts";
import { checkName, checkWellFormed, codePoints } from "../text-rules.ts";
import type { Naming } from "../use-cases/room-settings.ts";

const WIRE_NAME_CODE_POINTS = 256;
const DESCRIPTION_CODE_POINTS = 2_000;
const URL_CHARACTERS = 2_000;
const INT32 = 2 ** 31;
const ACCESS: ReadonlySet<string> = new Set(["private", "invite", "link", "code"]);
const ACCESS_ROLES: ReadonlySet<string> = new Set(["private", "team", "activated", "non_activated"]);

/** @returns the trimmed name */
export function checkRoomName(name: string, naming: Naming = "strict"): string {
  return naming === "wire" ? checkName("name", name, WIRE_NAME_CODE_POINTS) : checkName("name", name);
}

export function checkDescription(description: string | null): string | null {
  if (description === null) return null;
  if (codePoints(description) > DESCRIPTION_CODE_POINTS) {
    throw badField("description", "must be at most 2,000 characters long");
  }
  checkWellFormed("description", description);
  return description;
}

/** The URL of a picture on the web: http(s) only, because a browser would run `javascript:` and `data:` URLs. */
export function checkAvatarUrl(url: string | null): string | null {
  if (url === null || url === "") return null;
  if (url.length > URL_CHARACTERS || !/^https?:\/\/[^\s]+$/i.test(url) || !URL.canParse(url)) {
    throw badField("avatarUrl", "must be an http or https URL of at most 2,000 characters");
  }
  checkWellFormed("avatarUrl", url);
  return url;
}

/** The message timer in ms. Negative times count as 0, as in Wire. */
export function checkMessageTimer(ms: number | null): number | null {
  if (ms === null) return null;
  if (!Number.isSafeInteger(ms)) throw badField("messageTimer", "must be whole milliseconds, or null");
  return Math.max(0, ms);
}

export function checkReceiptMode(mode: number | null): number | null {
  if (mode === null) return null;
  if (!Number.isInteger(mode) || mode < -INT32 || mode >= INT32) {
    throw badField("receiptMode", "must be a 32-bit integer");
  }
  return mode;
}

/** Checks access and access role, as far as they are given. */
export function checkAccess({
  access,
  accessRole,
}: {
  access?: string[] | undefined;
  accessRole?: string | undefined;
}): { access?: string[]; accessRole?: string } {
  if (access && !access.every((way) => ACCESS.has(way))) {
    throw badField("access", "must be a list of private, invite, link and code");
  }
  if (accessRole !== undefined && !ACCESS_ROLES.has(accessRole)) {
    throw badField("accessRole", "must be private, team, activated or non_activated");
  }
  return { ...(access && { access: [...new Set(access)] }), ...(accessRole !== undefined && { accessRole }) };
}
