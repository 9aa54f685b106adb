/** Bodies are forms, as in the document's samples, or JSON, as SDKs send. Routes get JSON in both cases. */
import type { z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import qs from "qs";
import { badField } from "../../domain/errors.ts";
import type { HttpContext, HttpEnv } from "../face/face.ts";
import { body } from "../requests/fields.ts";

/** `reactions[red_angry_face][]`, `contacts[0][id]` */
const MAX_DEPTH = 3;
const MAX_FIELDS = 10_000;

/** Replaces a form by the equivalent JSON, and an empty body by `{}`. Bodies of other types are not changed. */
export const formsAsJson: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (c.req.method === "POST" || c.req.method === "PUT") {
    const sent = c.req.raw.body ? await c.req.text() : "";
    if (sent === "") replaceBody(c, {});
    else if (/^application\/x-www-form-urlencoded\b/i.test(c.req.header("content-type") ?? ""))
      replaceBody(c, readForm(sent));
  }
  await next();
};

function replaceBody(c: HttpContext, fields: object): void {
  const { url, method, signal, headers: sent } = c.req.raw;
  const headers = new Headers(sent);
  headers.set("content-type", "application/json");
  headers.delete("content-length");
  c.req.raw = new Request(url, { method, headers, signal, body: JSON.stringify(fields) });
  // The cached body is the form.
  c.req.bodyCache = {};
}

/** Parses a form; empty values are null. @throws DomainError `bad_request` for too deep or too many fields */
function readForm(text: string): object {
  try {
    return qs.parse(text, {
      plainObjects: true,
      depth: MAX_DEPTH,
      strictDepth: true,
      parameterLimit: MAX_FIELDS,
      arrayLimit: MAX_FIELDS,
      throwOnLimitExceeded: true,
      decoder: decode,
    });
  } catch (error) {
    if (error instanceof RangeError) {
      throw badField("body", `must have at most ${MAX_FIELDS} fields, nested at most ${MAX_DEPTH} deep`);
    }
    throw error;
  }
}

function decode(text: string, _default: unknown, _charset: string, type: "key" | "value"): string | null {
  if (type === "value" && text === "") return null;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw badField("body", "must be a form in percent-encoded UTF-8");
  }
}

/** The conversation in a body; "" if there is none. */
export function conversationIn(body: string): string {
  try {
    const { conversation_id: id } = JSON.parse(body);
    return typeof id === "string" ? id : "";
  } catch {
    return ""; // What is no JSON object is refused by its route.
  }
}

/** A body that comes as a form or as JSON, for a route's `request`. @param name the schema's, in OpenAPI */
export function formOrJson<T extends z.ZodRawShape>(name: string, shape: T) {
  const json = { schema: body(shape).openapi(name) };
  const form = { schema: { $ref: `#/components/schemas/${name}` } };
  // The form is only in the documentation: routes and handlers get JSON.
  const content: { "application/json": typeof json } = Object.assign(
    { "application/json": json },
    { "application/x-www-form-urlencoded": form },
  );
  return { body: { required: true, content } };
}
