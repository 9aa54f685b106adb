/** Describes operations in OpenAPI, with their input and all statuses. */
import { z } from "@hono/zod-openapi";
import { DOOR_REFUSALS, type HttpApp } from "../../face/face.ts";
import type { Shape } from "./parameters.ts";

type RouteConfig = Parameters<HttpApp["openAPIRegistry"]["registerPath"]>[0];

/** The answers of an operation beyond those of all operations. */
export type Answers = Record<number, string | { data: z.ZodType; description: string }>;

export interface Described {
  method: "get" | "post" | "put" | "delete";
  path: string;
  summary: string;
  input?: Shape;
  answers: Answers;
  guests: boolean;
}

export const PREFIX = "/apps/spreed/api/v1";

const meta = z
  .object({ status: z.enum(["ok", "failure"]), statuscode: z.int(), message: z.string() })
  .openapi("Meta");
const nothing = z.array(z.unknown()).max(0);
const refusal = z.object({ ocs: z.object({ meta, data: nothing }) }).openapi("Refusal");

const PARAMETERS: Record<string, string> = {
  token: "Names the room",
  userId: "The user's handle",
  groupId: "The group",
};

const HEADERS = z.object({
  "OCS-APIRequest": z.literal("true").optional().openapi({ description: "Needed unless Bearer is sent" }),
});
const FORMAT = {
  format: z.enum(["json", "xml"]).optional().openapi({ description: "Instead of Accept; XML by default" }),
};

const REFUSALS = {
  ...DOOR_REFUSALS,
  400: refused("A rule is broken; the message names the field"),
  401: refused("997: not logged in, or a guest where users only are let in"),
  404: refused("There is no such thing, or the caller can't see it"),
  412: refused("The lobby is closed; or OCS-APIRequest is missing, which is answered without the envelope"),
  413: refused("Too long"),
  429: refused("Too many requests; Retry-After says when to come back"),
  500: refused("996: a defect of the server"),
  503: refused("A part of the server can't be reached; try again"),
};

export function describe({ method, path, summary, input = {}, answers, guests }: Described): RouteConfig {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
  const params = names.map((name) => [name, z.string().openapi({ description: PARAMETERS[name] ?? name })]);
  const inQuery = method === "get";
  const fields = withDefaults(input);
  return {
    method,
    path,
    summary,
    security: ["basic", "bearer", ...(guests ? ["guest"] : [])].map((scheme) => ({ [scheme]: [] })),
    request: {
      headers: HEADERS,
      query: z.object({ ...FORMAT, ...(inQuery && fields) }),
      ...(params.length > 0 && { params: z.object(Object.fromEntries(params)) }),
      ...(!inQuery && Object.keys(input).length > 0 && { body: bodyOf(z.object(fields)) }),
    },
    responses: { ...REFUSALS, ...Object.fromEntries(Object.entries(answers).map(answerOf)) },
  };
}

/** Adds the default values of parameters, which their schemas do not show. */
function withDefaults(input: Shape): Shape {
  return Object.fromEntries(
    Object.entries(input).map(([name, kind]) => {
      if (!(kind instanceof z.ZodDefault)) return [name, kind];
      const { defaultValue } = kind.def;
      return [
        name,
        kind.openapi({ default: typeof defaultValue === "boolean" ? Number(defaultValue) : defaultValue }),
      ];
    }),
  );
}

function bodyOf(schema: z.ZodType) {
  return { content: { "application/x-www-form-urlencoded": { schema }, "application/json": { schema } } };
}

function answerOf([status, answer]: [string, Answers[number]]) {
  const { description, data } = typeof answer === "string" ? { description: answer, data: nothing } : answer;
  if (status === "304") return [status, { description }];
  if (Number(status) >= 400) return [status, refused(description)];
  return [status, { description, content: content(z.object({ ocs: z.object({ meta, data }) })) }];
}

function refused(description: string) {
  return { description, content: content(refusal) };
}

function content(schema: z.ZodType) {
  return { "application/json": { schema }, "application/xml": { schema: z.any() } };
}
