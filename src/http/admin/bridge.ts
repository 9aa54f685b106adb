/** What the bridge to Matrix put aside, and how far a room and its Matrix room are together. */
import { createRoute, z } from "@hono/zod-openapi";
import { DomainError } from "../../domain/errors.ts";
import type { BridgeLetters, DeadLetter } from "../../domain/ports/matrix.ts";
import { type HttpApp, json } from "../face/face.ts";
import { idText, time } from "../requests/fields.ts";
import { REFUSALS } from "./failures.ts";
import { pageOf, pageQuery, readPage } from "./pages.ts";

/** @param letters null: there is no bridge */
export function registerBridge(app: HttpApp, letters: BridgeLetters | null): void {
  const bridge = (): BridgeLetters => {
    if (letters) return letters;
    throw new DomainError("not_found", "There is no bridge here: MATRIX_HOMESERVER_URL is off");
  };
  app.openapi(ROUTES.list, async (c) => {
    const { room, ...page } = c.req.valid("query");
    return c.json(await readPage(page, (query) => bridge().list({ ...query, room }), letterBody), 200);
  });
  app.openapi(ROUTES.retry, async (c) => {
    if (await bridge().retry(c.req.valid("param").id)) return c.body(null, 204);
    throw noLetter();
  });
  app.openapi(ROUTES.drop, async (c) => {
    if (await bridge().drop(c.req.valid("param").id)) return c.body(null, 204);
    throw noLetter();
  });
  app.openapi(ROUTES.room, async (c) => {
    const state = await bridge().room(c.req.valid("param").room);
    if (state) return c.json(state, 200);
    throw new DomainError("not_found", "The bridge has no room with this token", { field: "room" });
  });
}

function noLetter(): DomainError {
  return new DomainError("not_found", "There is no dead letter with this id", { field: "id" });
}

function letterBody({ at, ...letter }: DeadLetter) {
  return { ...letter, at: time(at) };
}

const token = (description: string) =>
  z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .openapi({ description });
const letter = z
  .object({
    id: z.int(),
    room: z.string().openapi({ description: "The room's token" }),
    direction: z.enum(["to_matrix", "from_matrix"]),
    kind: z.string().openapi({
      description:
        "To Matrix: message, edit, redaction, reaction, …, or change; from Matrix: the event's type",
    }),
    what: z.string().openapi({ description: "Which change; else empty" }),
    seq: z.int().nullable().openapi({ description: "The event of the log that Matrix does not have" }),
    matrixEvent: z.string().nullable().openapi({ description: "The event that the chat does not have" }),
    errcode: z.string().nullable().openapi({ description: "Matrix's own code" }),
    reason: z.string(),
    at: z.iso.datetime(),
    retried: z.boolean().openapi({ description: "A change that the room's next turn repeats" }),
  })
  .openapi("DeadLetter");
const roomState = z
  .object({
    room: z.string(),
    matrixRoom: z.string().nullable(),
    mirrored: z.int().openapi({ description: "The seq up to which the log is in Matrix" }),
    head: z.int().openapi({ description: "The log's last seq" }),
    inbox: z.int().openapi({ description: "Events from Matrix that wait to be applied" }),
    deadLetters: z.int(),
    failures: z.int().openapi({ description: "Turns in a row that failed" }),
    reason: z.string().nullable().openapi({ description: "Why the last turn failed" }),
  })
  .openapi("BridgedRoom");
const one = { params: z.object({ id: idText() }) };

const ROUTES = {
  list: createRoute({
    method: "get",
    path: "/admin/v1/bridge/dead-letters",
    summary: "What the bridge put aside, each with its reason",
    request: {
      query: pageQuery.extend({ room: token("Only those of the room with this token").optional() }),
    },
    responses: { 200: json(pageOf(letter), "A page"), ...REFUSALS },
  }),
  retry: createRoute({
    method: "post",
    path: "/admin/v1/bridge/dead-letters/{id}/retry",
    summary: "Try a dead letter again; refused once more, it is one again under another id",
    request: one,
    responses: { 204: { description: "The room's next turn tries it, within 5 s" }, ...REFUSALS },
  }),
  drop: createRoute({
    method: "delete",
    path: "/admin/v1/bridge/dead-letters/{id}",
    summary: "Drop a dead letter: it is not tried again",
    request: one,
    responses: { 204: { description: "The letter is gone" }, ...REFUSALS },
  }),
  room: createRoute({
    method: "get",
    path: "/admin/v1/bridge/rooms/{room}",
    summary: "How far a room and its Matrix room are together",
    request: { params: z.object({ room: token("The room's token") }) },
    responses: { 200: json(roomState, "The figures"), ...REFUSALS },
  }),
};
