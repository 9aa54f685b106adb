/**
 * What operations are given. [B.1] Clients send forms (also with DELETE), JSON, or a query; all of it counts, and the
 * body before the query. Numbers and flags may come as texts.
 */
import { z } from "@hono/zod-openapi";
import { badField } from "../../../domain/errors.ts";
import type { HttpContext } from "../../face/face.ts";
import { brokenRule, text } from "../../requests/fields.ts";

export type Shape = z.ZodRawShape;
export type Input<S extends Shape> = z.output<z.ZodObject<S>>;

/** @throws DomainError `bad_request` that names the field and the rule */
export async function inputOf<S extends Shape>(c: HttpContext, shape: S): Promise<Input<S>> {
  const given = { ...c.req.query(), ...(await bodyOf(c)) };
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  const parsed = z.object(shape).safeParse(known);
  if (!parsed.success) throw brokenRule(parsed.error, "form");
  return parsed.data;
}

async function bodyOf(c: HttpContext): Promise<object> {
  if (!c.req.raw.body) return {};
  const type = c.req.header("Content-Type") ?? "";
  if (/^application\/json\b/i.test(type)) return await jsonBodyOf(c);
  if (/^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i.test(type)) {
    return await c.req.parseBody().catch(() => {
      throw badField("body", "must be a form of the type that Content-Type names");
    });
  }
  if ((await c.req.text()) === "") return {};
  throw badField("body", "must be a form (application/x-www-form-urlencoded) or application/json");
}

async function jsonBodyOf(c: HttpContext): Promise<object> {
  const sent = await c.req.text();
  if (sent === "") return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(sent);
  } catch {
    throw badField("body", "must be valid JSON");
  }
  // PHP has one kind for lists and objects, and its clients send an empty list for no parameters.
  if (Array.isArray(parsed) && parsed.length === 0) return {};
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw badField("body", "must be a JSON object");
  }
  return parsed;
}

// ── Kinds of parameters ──────────────────────────────────────────────────────────────────────────────

export interface Range {
  min?: number;
  max?: number;
}

/** A whole number, or the digits of one. */
export function integer({ min = -Number.MAX_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: Range = {}) {
  const valid = rule(`must be an integer from ${min} to ${max}`);
  return z
    .preprocess(digitsAsNumber, z.int(valid).min(min, valid).max(max, valid))
    .openapi({ type: "integer", minimum: min, maximum: max });
}

/** 0 and 1, or false and true. */
export function flag() {
  const known: Record<string, boolean> = { "0": false, "1": true, false: false, true: true };
  return z
    .preprocess((value) => known[String(value)] ?? value, z.boolean(rule("must be 0 or 1")))
    .openapi({ type: "integer", enum: [0, 1] });
}

/** A text; numbers count as what they are written as. How long it may be is for the domain to say, up to `max`. */
export function line(max: number) {
  return z
    .preprocess((value) => (typeof value === "number" ? String(value) : value), text(max))
    .openapi({ type: "string", maxLength: max });
}

function digitsAsNumber(value: unknown): unknown {
  return typeof value === "string" && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
}

function rule(broken: string) {
  return { error: (issue: { input?: unknown }) => (issue.input === undefined ? "is required" : broken) };
}
