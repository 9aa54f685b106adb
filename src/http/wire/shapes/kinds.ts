/** Fields that only Wire's requests and answers have. */
import { z } from "@hono/zod-openapi";
import { rule } from "../../requests/fields.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Stands in Wire for guests, organizations, and all other actors without an account. */
export const NIL_UUID = "00000000-0000-0000-0000-000000000000";

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** A UUID of any version, read as lower-case. */
export function uuid() {
  return z
    .string(rule("must be a UUID"))
    .regex(UUID, "must be a UUID")
    .transform((text) => text.toLowerCase())
    .openapi({ type: "string", format: "uuid" });
}

/** UUIDs of people, each once. */
export function uuids({ min = 0, max }: { min?: number; max: number }) {
  const valid = rule(min === 0 ? `must be at most ${max} UUIDs` : `must be ${min} to ${max} UUIDs`);
  return z.array(uuid(), valid).min(min, valid).max(max, valid);
}

export function qualifiedIds(max: number) {
  const valid = rule(`must be at most ${max} qualified ids`);
  return z.array(z.object({ id: uuid(), domain: z.string().max(256) }, valid), valid).max(max, valid);
}

/** UUIDs in a query, between commas. */
export function uuidList({ min, max }: { min: number; max: number }) {
  const valid = rule(`must be ${min} to ${max} UUIDs with commas between them`);
  return z
    .string(valid)
    .transform((text) => text.split(","))
    .refine((ids) => ids.length >= min && ids.length <= max && ids.every(isUuid), valid)
    .transform((ids) => ids.map((id) => id.toLowerCase()))
    .openapi({ type: "string" });
}

export function int32() {
  const valid = rule("must be a 32-bit integer");
  return z
    .int(valid)
    .min(-(2 ** 31), valid)
    .max(2 ** 31 - 1, valid)
    .openapi({ format: "int32" });
}

export function milliseconds() {
  return z.int(rule("must be whole milliseconds")).openapi({ format: "int64" });
}

export function qualified() {
  return z.object({ id: z.uuid(), domain: z.string() });
}

export interface QualifiedId {
  id: string;
  domain: string;
}
