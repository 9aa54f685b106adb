/** The people of a conversation: adding, removing, leaving, and their roles. */
import { createRoute } from "@hono/zod-openapi";
import { dataOf } from "../../../domain/event-data.ts";
import { type LoggedEvent, type User, userActor } from "../../../domain/model.ts";
import type { RoomView } from "../../../domain/use-cases/rooms.ts";
import { type HttpApp, json, jsonBody } from "../../face/face.ts";
import { body, oneOf } from "../../requests/fields.ts";
import { type Caller, callerOf, doing, requireAction, type WireParts } from "../common/parts.ts";
import { eventSchema, joined, left, type WireEvent, wireEvent } from "../shapes/events.ts";
import { forbidden, notFound, PROTECTED, PROTECTED_BODY, wireRefusal } from "../shapes/failures.ts";
import { uuid, uuids } from "../shapes/kinds.ts";
import { ROLES, roleOf, wireRole } from "../shapes/shapes.ts";
import { conversationParams, MAX_MEMBERS, NO_CONVERSATION } from "./conversation-routes.ts";
import { connectedUsers, requireAdmission } from "./conversations.ts";

/** The most users of one request. The bound of a room has its own refusal, `too-many-members`. */
const MAX_AT_ONCE = 2 * MAX_MEMBERS;
const memberParams = conversationParams.extend({ usr: uuid() });

const ROUTES = {
  add: createRoute({
    method: "post",
    path: "/conversations/{cnv}/members",
    summary: "Add users to a conversation",
    request: {
      params: conversationParams,
      ...jsonBody(
        body({
          users: uuids({ min: 1, max: MAX_AT_ONCE }),
          conversation_role: oneOf(ROLES).nullish().openapi({ description: "wire_admin unless told" }),
        }).openapi("Invite"),
      ),
    },
    responses: {
      200: json(eventSchema, "conversation.member-join of those who were not in it"),
      204: { description: "All of them were in it already" },
      ...forbidden(
        "action-denied, not-connected, too-many-members, invalid-op, access-denied, no-team-member",
      ),
      ...NO_CONVERSATION,
      ...PROTECTED_BODY,
    },
  }),
  remove: createRoute({
    method: "delete",
    path: "/conversations/{cnv}/members/{usr}",
    summary: "Remove a user, or leave",
    request: { params: memberParams },
    responses: {
      200: json(eventSchema, "conversation.member-leave"),
      204: { description: "The user was not in it" },
      ...forbidden("action-denied, invalid-op"),
      ...NO_CONVERSATION,
      ...PROTECTED,
    },
  }),
  update: createRoute({
    method: "put",
    path: "/conversations/{cnv}/members/{usr}",
    summary: "Change a member's role",
    request: { params: memberParams, ...jsonBody(body({ conversation_role: oneOf(ROLES) })) },
    responses: {
      200: { description: "The member has this role now" },
      ...forbidden("action-denied, invalid-op"),
      ...notFound("no-conversation, no-conversation-member"),
      ...PROTECTED_BODY,
    },
  }),
};

type Parts = WireParts<"clock" | "connections" | "roomLifecycle" | "finding" | "lookup">;

export function registerMembers(app: HttpApp, parts: Parts): void {
  const { roomLifecycle, finding } = parts.useCases;
  const viewOf = (caller: Caller, cnv: string) => finding.view(caller.actor, { uuid: cnv });

  app.openapi(ROUTES.add, async (c) => {
    const caller = callerOf(c);
    const view = await viewOf(caller, c.req.valid("param").cnv);
    const { users, conversation_role } = c.req.valid("json");
    requireAction(parts, placeIn(view), "add_members");
    const newcomers = await newcomersOf(parts, caller, view, users);
    const role = roleOf(conversation_role ?? "wire_admin");
    const events = await roomLifecycle.addMembers(
      caller.actor,
      view.room.token,
      newcomers.map((user) => ({ member: userActor(user), role })),
      { most: MAX_MEMBERS },
    );
    const event = joinedEvent(parts, caller, view, newcomers, events);
    return event ? c.json(event, 200) : c.body(null, 204);
  });
  app.openapi(ROUTES.remove, async (c) => {
    const caller = callerOf(c);
    const { cnv, usr } = c.req.valid("param");
    const view = await viewOf(caller, cnv);
    const { room: conversation } = view;
    const event =
      usr === caller.user.uuid ? await leave(parts, caller, view) : await remove(parts, caller, view, usr);
    if (!event) return c.body(null, 204);
    const where = doing(parts, caller, conversation, event);
    return c.json(wireEvent("conversation.member-leave", where, left([usr], parts.domain())), 200);
  });
  app.openapi(ROUTES.update, async (c) => {
    const caller = callerOf(c);
    const { cnv, usr } = c.req.valid("param");
    const { conversation_role: role } = c.req.valid("json");
    await setRole(parts, caller, await viewOf(caller, cnv), usr, role);
    return c.body(null, 200);
  });
}

function placeIn({ room: conversation, me }: RoomView) {
  return { conversation, me: me.membership };
}

function personIn({ people }: RoomView, uuid: string) {
  return people.find(({ user }) => user?.uuid === uuid);
}

/** Those of the named users who are not in the room yet. */
async function newcomersOf(
  parts: WireParts<"connections" | "lookup">,
  caller: Caller,
  view: RoomView,
  named: readonly string[],
): Promise<User[]> {
  const wanted = [...new Set(named)].filter((uuid) => !personIn(view, uuid));
  const users = await connectedUsers(parts, caller, wanted);
  await requireAdmission(parts, view.room, users);
  return users;
}

/** The event of the join; null when all of them had been added by others. */
function joinedEvent(
  parts: WireParts,
  caller: Caller,
  { room: conversation }: RoomView,
  newcomers: readonly User[],
  events: readonly LoggedEvent[],
): WireEvent | null {
  const last = events.at(-1);
  if (!last) return null;
  const uuidOf = new Map(newcomers.map(({ id, uuid }) => [String(id), uuid]));
  const people = events.flatMap((event) => {
    const { member, role } = dataOf<"member.joined">(event);
    const id = uuidOf.get(member.id);
    return id === undefined ? [] : [{ id, role }];
  });
  const where = doing(parts, caller, conversation, last);
  return wireEvent("conversation.member-join", where, joined(people, parts.domain()));
}

/** One-to-one conversations are not left: they are archived. */
async function leave(
  { useCases }: WireParts<"roomLifecycle">,
  { actor }: Caller,
  { room: conversation }: RoomView,
) {
  if (conversation.type === "one_to_one") throw wireRefusal("invalidOperation");
  return await useCases.roomLifecycle.leave(actor, conversation.token);
}

async function remove(
  parts: WireParts<"clock" | "roomLifecycle">,
  { actor }: Caller,
  view: RoomView,
  usr: string,
) {
  requireAction(parts, placeIn(view), "remove_members");
  const target = personIn(view, usr);
  return target && (await parts.useCases.roomLifecycle.removeMember(actor, view.room.token, target.actor));
}

/** Sets another member's role. Nobody may change their own. */
async function setRole(
  parts: WireParts<"clock" | "roomLifecycle">,
  caller: Caller,
  view: RoomView,
  usr: string,
  role: (typeof ROLES)[number],
): Promise<void> {
  requireAction(parts, placeIn(view), "set_roles");
  if (usr === caller.user.uuid) throw wireRefusal("invalidOperation");
  const target = personIn(view, usr);
  if (!target) throw wireRefusal("noMember");
  if (wireRole(target.membership.role) === role) return;
  const { token } = view.room;
  await parts.useCases.roomLifecycle.setRole(caller.actor, token, target.actor, roleOf(role));
}
