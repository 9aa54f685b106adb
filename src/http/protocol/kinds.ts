/**
 * Fields that only Protocol's requests have. Forms contain only texts, so booleans and times may be texts, in JSON too.
 */
import { z } from "@hono/zod-openapi";
import { flagText, intText, rule, text } from "../requests/fields.ts";

/** A rough bound on ids and handles; the domain checks them. */
const MAX_NAME_LENGTH = 320;
const MAX_LIST = 10_000;
/** The end of the year 9999. */
const MAX_SECONDS = 253_402_300_799;

/** An id, or the handle of a contact. */
export function name() {
  return text(MAX_NAME_LENGTH);
}

export function flag() {
  return z
    .preprocess(
      (value) => (value === "true" ? true : value === "false" ? false : value),
      z.boolean(rule("must be true or false")),
    )
    .openapi({ type: "boolean" });
}

/** An id, or null. */
export function nameOrNothing() {
  return z
    .preprocess(nothingAsNull, name().nullable())
    .openapi({ type: ["string", "null"], description: "null or empty: none" });
}

/** Unix seconds, read as milliseconds; or null. */
export function timestamp() {
  const valid = rule("must be a time in whole unix seconds, or null");
  return z
    .preprocess(
      (value) => (typeof value === "string" && /^\d+$/.test(value) ? Number(value) : nothingAsNull(value)),
      z.int(valid).min(0, valid).max(MAX_SECONDS, valid).nullable(),
    )
    .transform((seconds) => (seconds === null ? null : seconds * 1_000))
    .openapi({ type: ["integer", "null"], minimum: 0, maximum: MAX_SECONDS, description: "Unix seconds" });
}

/** In fields that are no texts, "" and "null" stand for null, because forms can't express it otherwise. */
function nothingAsNull(value: unknown): unknown {
  return value === "" || value === "null" ? null : value;
}

/** A list of ids, or of objects with an `id`. A single item needs no list, and an empty value is an empty list. */
export function names() {
  const valid = rule(`must be a list of at most ${MAX_LIST} ids, or objects with an id`);
  const one = z.preprocess(
    (value) => (typeof value === "object" && value !== null && "id" in value ? value.id : value),
    z.string(valid).max(MAX_NAME_LENGTH, valid),
  );
  return z.preprocess(listed, z.array(one, valid).max(MAX_LIST, valid)).openapi({
    type: "array",
    maxItems: MAX_LIST,
    items: {
      oneOf: [
        { type: "string" },
        { type: "object", properties: { id: { type: "string" } }, required: ["id"] },
      ],
    },
  });
}

/** In a form a list of one item is a single value, and an empty list is an empty value. */
function listed(value: unknown): unknown[] {
  return [value].flat().filter((item) => item !== null);
}

/** Users by reaction: `{red_angry_face: ["KateMcCallister"]}`, or a list of such objects, as messages show it. */
export function reactions() {
  const valid = rule('must be an object of lists of usernames, such as {"red_angry_face": ["kate"]}');
  const usernames = z.preprocess(listed, z.array(z.string(valid), valid));
  return z
    .preprocess(merged, z.record(z.string(), usernames, valid))
    .openapi({ type: "object", additionalProperties: { type: "array", items: { type: "string" } } });
}

function merged(value: unknown): unknown {
  if (value === null) return {};
  if (!Array.isArray(value)) return value;
  const isObject = (item: unknown) => typeof item === "object" && item !== null && !Array.isArray(item);
  return value.every(isObject) ? Object.assign({}, ...value) : value;
}

// ── Lists ────────────────────────────────────────────────────────────────────────────────────────────

export const pageQuery = {
  limit: intText({ min: 1, max: 100, fallback: 10 }),
  starting_after: text(MAX_NAME_LENGTH).optional().openapi({ description: "The last id of the page before" }),
  ending_before: text(MAX_NAME_LENGTH).optional().openapi({
    description:
      "The first id of the page after. Only messages can be polled with it: things of other lists change their places",
  }),
};

/** A filter: true lists only matching items; false lists all. */
export function onlyWhenTrue() {
  return flagText();
}

export const one = { params: z.object({ id: z.string() }) };

export function listOf<T extends z.ZodType>(item: T) {
  return z.object({
    has_more: z
      .boolean()
      .openapi({ description: "There is more beyond this page, in the direction asked for" }),
    data: z.array(item),
  });
}
