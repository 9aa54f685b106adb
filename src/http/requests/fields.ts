/**
 * Fields of requests and answers, as zod schemas that also describe themselves in OpenAPI. The message of each is its rule,
 * which follows the field's name: "limit must be an integer from 1 to 50".
 */
import { z } from "@hono/zod-openapi";
import type { ValidationTargets } from "hono";
import { badField, type DomainError } from "../../domain/errors.ts";

/** Ids are int64 in the database, kept where JSON numbers are exact. */
export const MAX_ID = Number.MAX_SAFE_INTEGER;
const MAX_INT64 = 2n ** 63n - 1n;
/** The most users that one request may name. */
const MAX_PEOPLE = 10_000;

/** The message of a schema: that the field is missing, or its rule. */
export function rule(text: string) {
  return { error: (issue: { input?: unknown }) => (issue.input === undefined ? "is required" : text) };
}

/** A text in JSON or a query. `maxLength` bounds it roughly; the domain checks the exact limit. */
export function text(maxLength: number) {
  const valid = rule(`must be a text of at most ${maxLength} characters, without NUL or lone surrogates`);
  return z
    .string(valid)
    .max(maxLength, valid)
    .refine((value) => !/\0|\p{Surrogate}/u.test(value), valid);
}

export function flag() {
  return z.boolean(rule("must be true or false"));
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, rule(`must be one of ${values.join(", ")}`));
}

export function id() {
  const valid = rule(`must be an integer from 1 to ${MAX_ID}`);
  return z.int(valid).min(1, valid).openapi({ format: "int64" });
}

export function ids() {
  const valid = rule(`must be a list of at most ${MAX_PEOPLE} user ids`);
  return z.array(id(), valid).max(MAX_PEOPLE, valid);
}

/**
 * Bytes as a JSON array. The domain bounds their number. There is one check for all bytes, because an issue for each could
 * make a very long list.
 */
export function bytes() {
  const isBytes = (value: unknown): value is number[] =>
    Array.isArray(value) && value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);
  return z
    .custom<number[]>(isBytes, "must be an array of integers from 0 to 255")
    .openapi({ type: "array", items: { type: "integer", minimum: 0, maximum: 255 } });
}

const LEAP_SECOND = /:60(?=[.+\-Z])/;

/**
 * An RFC 3339 time, read as milliseconds since 1970 UTC. `T` and `Z` may be lower-case. A leap second counts as the first
 * second of the next minute.
 */
export function instant() {
  const valid = rule("must be an RFC 3339 time such as 2030-01-31T12:00:00Z");
  return z
    .string(valid)
    .transform((value) => value.toUpperCase())
    .refine((value) => isTime.safeParse(value.replace(LEAP_SECOND, ":59")).success, valid)
    .transform(
      (value) => Date.parse(value.replace(LEAP_SECOND, ":59")) + (LEAP_SECOND.test(value) ? 1_000 : 0),
    )
    .openapi({ type: "string", format: "date-time" });
}

const isTime = z.iso.datetime({ offset: true });

/** An id in a path or a query. An integer beyond 2^53 is valid but unknown: it is read as an id that is never used. */
export function idText() {
  const valid = rule("must be an integer from 1 to 9223372036854775807");
  return z
    .string(valid)
    .refine((value) => isInt64(value), valid)
    .transform((value) => Math.min(Number(value), MAX_ID))
    .openapi({ type: "integer", format: "int64", minimum: 1 });
}

function isInt64(value: string): boolean {
  return /^\d{1,19}$/.test(value) && BigInt(value) > 0n && BigInt(value) <= MAX_INT64;
}

/** An integer in a query. */
export function intText({ min, max, fallback }: { min: number; max: number; fallback: number }) {
  const valid = rule(`must be an integer from ${min} to ${max}`);
  return z
    .string(valid)
    .refine((value) => /^-?\d{1,16}$/.test(value) && Number(value) >= min && Number(value) <= max, valid)
    .transform(Number)
    .default(fallback)
    .openapi({ type: "integer", minimum: min, maximum: max, default: fallback });
}

export function flagText() {
  return z
    .enum(["true", "false"], rule("must be true or false"))
    .transform((value) => value === "true")
    .default(false)
    .openapi({ type: "boolean", default: false });
}

/** Turns a time of the domain into RFC 3339. */
export function time<T extends number | null>(ms: T): T extends null ? null : string;
export function time(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Removes keys whose value is undefined, because for the domain every key in a patch is a change. */
export function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}

/** The first rule that a request broke, with the field's path: `organizations.0.role`. */
export function brokenRule(error: z.ZodError, target: keyof ValidationTargets): DomainError {
  const [issue] = error.issues;
  const path = issue?.path.map(String) ?? [];
  if (issue?.code === "unrecognized_keys")
    return badField([...path, issue.keys[0]].join("."), "is not a field of this request");
  if (path.length > 0) return badField(path.join("."), issue?.message ?? "is invalid");
  return badField(target === "json" ? "body" : target, issue?.message ?? "is invalid");
}

/** The object of a JSON body. Unknown fields are ignored. */
export function body<T extends z.ZodRawShape>(shape: T) {
  return z.object(shape, rule("must be a JSON object"));
}

/** The object of a JSON body. Unknown fields are refused. */
export function strictBody<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? undefined : "must be a JSON object"),
  });
}
