/**
 * The kinds of fields that only Protocol's requests have. A form has texts only, so booleans and times are read from
 * texts too, in JSON as well.
 */
import { z } from "@hono/zod-openapi";
import { flagText, intText, rule, text } from "../requests/fields.ts";

/** Longer texts are no ids; which of the others are is the domain's to say. */
const MAX_NAME_LENGTH = 320;
const MAX_LIST = 10_000;
/** The end of the year 9999. */
const MAX_SECONDS = 253_402_300_799;

/** The id of something, or the handle of a contact. */
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

/** The id of something, or nothing. */
export function nameOrNothing() {
  return z
    .preprocess(nothingAsNull, name().nullable())
    .openapi({ type: ["string", "null"], description: "null or empty: none" });
}

/** Unix seconds outside, milliseconds inside; nothing is null. */
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

/** Where no text is meant, the empty one and that of null are nothing: forms have no other way to say so. */
function nothingAsNull(value: unknown): unknown {
  return value === "" || value === "null" ? null : value;
}

/** Ids, or objects with an `id`. One alone may come without its list, and an empty value is an empty list. */
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

/** Forms have one value where a list has one item, and an empty one where it has none. */
function listed(value: unknown): unknown[] {
  return [value].flat().filter((item) => item !== null);
}

/** Who reacted how: `{red_angry_face: ["KateMcCallister"]}`, or the list of such objects that a message shows. */
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

/** Lists only what is so when it is true. */
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
