/** Rules for the fields of a message beside its text. Every refusal names the field and the rule. */
import { badField } from "./errors.ts";
import type { MessageExtras } from "./model.ts";
import { checkNesting, checkWellFormed } from "./text-rules.ts";

/** Kinds that all apps share. Their data is the apps' own business. */
const SHARED_KINDS: ReadonlySet<string> = new Set(["poll", "location", "contact", "voice"]);
const APP_KIND = /^x\.[A-Za-z0-9_-]{1,32}\.[A-Za-z0-9_-]{1,32}$/;
export const MAX_DATA_BYTES = 4_096;

/** What a sender may say of a message beside its text. */
export interface ExtrasInput {
  type?: string;
  data?: Record<string, unknown>;
  format?: "markdown";
  silent?: boolean;
}

/** @returns undefined for an ordinary message. @throws DomainError `bad_request` on `type` or `data` */
export function messageExtras({ type, data, format, silent }: ExtrasInput): MessageExtras | undefined {
  if (type === undefined && data === undefined && format === undefined && silent === undefined)
    return undefined;
  const kind = type === "text" ? undefined : type;
  if (kind !== undefined) checkKind(kind);
  if (data !== undefined) checkData(kind, data);
  return {
    ...(format && { format }),
    ...(silent && { silent }),
    ...(kind !== undefined && { kind }),
    ...(data !== undefined && { data }),
  };
}

function checkKind(kind: string): void {
  if (SHARED_KINDS.has(kind) || APP_KIND.test(kind)) return;
  const shared = [...SHARED_KINDS].join(", ");
  throw badField("type", `must be text, ${shared}, or x.<app>.<name> of letters, digits, _ and -`);
}

function checkData(kind: string | undefined, data: Record<string, unknown>): void {
  if (kind === undefined) throw badField("data", "needs a type other than text");
  checkNesting("data", data);
  checkTexts(data);
  if (Buffer.byteLength(JSON.stringify(data)) > MAX_DATA_BYTES) {
    throw badField("data", `must have at most ${MAX_DATA_BYTES} bytes as JSON`);
  }
}

/** Texts and names of fields at every depth. */
function checkTexts(value: unknown): void {
  if (typeof value === "string") checkWellFormed("data", value);
  else if (typeof value === "number" && !Number.isFinite(value))
    throw badField("data", "must have finite numbers");
  else if (typeof value === "object" && value !== null) {
    for (const [name, each] of Object.entries(value)) {
      checkWellFormed("data", name);
      checkTexts(each);
    }
  }
}
