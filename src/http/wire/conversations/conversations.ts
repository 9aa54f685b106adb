/** Making, opening, listing and reading conversations. */

import { badField } from "../../../domain/errors.ts";
import { type Actor, type User, userActor } from "../../../domain/model.ts";
import { checkAdmission } from "../../../domain/rooms/admission.ts";
import type { CreateRoom } from "../../../domain/use-cases/room-lifecycle.ts";
import type { HttpApp } from "../../face/face.ts";
import { given } from "../../requests/fields.ts";
import { type Caller, callerOf, placeOf, ROLE_ACTIONS, shapeAll, type WireParts } from "../common/parts.ts";
import { WireRefusal, wireRefusal } from "../shapes/failures.ts";
import { ROLES, roleOf, type WireRole } from "../shapes/shapes.ts";
import { MAX_MEMBERS, ROUTES } from "./conversation-routes.ts";

/** A body of POST /conversations, once it was parsed. */
interface NewConversation {
  users?: string[] | null | undefined;
  qualified_users?: { id: string; domain: string }[] | null | undefined;
  name?: string | null | undefined;
  access?: string[] | null | undefined;
  access_role?: string | null | undefined;
  team?: { teamid: string; managed?: boolean | null | undefined } | null | undefined;
  message_timer?: number | null | undefined;
  receipt_mode?: number | null | undefined;
  conversation_role?: WireRole | null | undefined;
}

export function registerConversations(
  app: HttpApp,
  parts: WireParts<"connections" | "roomLifecycle" | "finding" | "lookup" | "oneToOne">,
): void {
  registerLists(app, parts);
  registerOpening(app, parts);
  const { finding } = parts.useCases;

  app.openapi(ROUTES.get, async (c) => {
    const caller = callerOf(c);
    const { cnv } = c.req.valid("param");
    const found = await finding.locate(caller.actor, { uuid: cnv });
    if (!found) throw wireRefusal("noConversation");
    if (!found.membership) throw wireRefusal("accessDenied");
    return c.json(await shapeOne(parts, caller, cnv), 200);
  });
  app.openapi(ROUTES.roles, async (c) => {
    await placeOf(parts, callerOf(c), c.req.valid("param").cnv);
    const roles = ROLES.map((role) => ({ conversation_role: role, actions: ROLE_ACTIONS[role] }));
    return c.json({ conversation_roles: roles }, 200);
  });
}

function registerLists(app: HttpApp, parts: WireParts<"connections" | "finding">): void {
  const { finding } = parts.useCases;

  app.openapi(ROUTES.listIds, async (c) => {
    const { size, start } = c.req.valid("query");
    const { rooms, more } = await finding.names(callerOf(c).actor, {
      limit: size,
      ...given({ after: start }),
    });
    const conversations = rooms.map(({ uuid }) => uuid);
    return c.json({ conversations, rooms: rooms.map(({ token }) => token), has_more: more }, 200);
  });
  app.openapi(ROUTES.list, async (c) => {
    const { size, start, ids } = c.req.valid("query");
    const caller = callerOf(c);
    const wanted = ids ? { uuids: ids } : { limit: size, ...given({ after: start }) };
    const { rooms, more } = await finding.page(caller.actor, wanted);
    return c.json({ conversations: await shapeAll(parts, caller, rooms), has_more: more }, 200);
  });
}

function registerOpening(
  app: HttpApp,
  parts: WireParts<"connections" | "roomLifecycle" | "finding" | "lookup" | "oneToOne">,
): void {
  const { roomLifecycle, oneToOne } = parts.useCases;

  app.openapi(ROUTES.create, async (c) => {
    const caller = callerOf(c);
    const input = c.req.valid("json");
    const room = await roomLifecycle.create(caller.actor, await groupOf(parts, caller, input));
    return c.json(await shapeOne(parts, caller, room.uuid), 201, { Location: room.uuid });
  });
  app.openapi(ROUTES.openSelf, async (c) => {
    const caller = callerOf(c);
    const { room: conversation, created } = await oneToOne.openSelf(caller.actor);
    const { uuid } = conversation;
    return c.json(await shapeOne(parts, caller, uuid), created ? 201 : 200, { Location: uuid });
  });
  app.openapi(ROUTES.openOneToOne, async (c) => {
    const caller = callerOf(c);
    const wanted = peopleOf(parts, c.req.valid("json"));
    const [other] = wanted;
    if (other === undefined || wanted.length > 1) throw badField("users", "must be exactly one user");
    if (other === caller.user.uuid) throw wireRefusal("invalidOperation");
    const [user] = await connectedUsers(parts, caller, wanted);
    const { room: conversation, created } = await oneToOne.open(caller.actor, userActor(user as User));
    const { uuid } = conversation;
    return c.json(await shapeOne(parts, caller, uuid), created ? 201 : 200, { Location: uuid });
  });
}

async function shapeOne(parts: WireParts<"connections" | "finding">, caller: Caller, uuid: string) {
  const view = await parts.useCases.finding.view(caller.actor, { uuid });
  const [shaped] = await shapeAll(parts, caller, [view]);
  return shaped as NonNullable<typeof shaped>;
}

async function groupOf(
  parts: WireParts<"connections" | "lookup">,
  caller: Caller,
  input: NewConversation,
): Promise<CreateRoom> {
  const { team, access, access_role } = input;
  if (team?.managed)
    throw badField("team.managed", "must be false: managed conversations have been deprecated");
  const wanted = peopleOf(parts, input).filter((uuid) => uuid !== caller.user.uuid);
  if (wanted.length >= MAX_MEMBERS) throw badField("users", `must be at most ${MAX_MEMBERS - 1} users`);
  const organizationId = team ? await teamOf(parts, caller, team.teamid) : null;
  const users = await connectedUsers(parts, caller, wanted);
  const admitted = { accessRole: access_role ?? "activated", organizationId };
  await requireAdmission(parts, admitted, users);
  const role = roleOf(input.conversation_role ?? "wire_admin");
  return {
    type: "group",
    naming: "wire",
    name: input.name ?? "",
    organizationId,
    members: users.map((user) => ({ member: userActor(user), role })),
    messageTimer: input.message_timer ?? null,
    receiptMode: input.receipt_mode ?? null,
    ...(access && { access }),
    ...(access_role && { accessRole: access_role }),
  };
}

/** The users that a body names, each once. Users of other servers are unknown here. */
function peopleOf({ domain }: WireParts, { users, qualified_users }: NewConversation): string[] {
  const ours = domain();
  if (qualified_users?.some((one) => one.domain !== ours)) throw wireRefusal("notConnected");
  return [...new Set([...(users ?? []), ...(qualified_users ?? []).map(({ id }) => id)])];
}

/** @throws WireRefusal `not-connected` unless the caller is connected to all of them; unknown ones are not */
export async function connectedUsers(
  { useCases }: WireParts<"connections">,
  { actor }: { actor: Actor },
  uuids: readonly string[],
): Promise<User[]> {
  if (uuids.length === 0) return [];
  const users = await useCases.connections.connected(actor, uuids);
  const byUuid = new Map(users.map((user) => [user.uuid, user]));
  return uuids.map((uuid) => {
    const user = byUuid.get(uuid);
    if (!user) throw wireRefusal("notConnected");
    return user;
  });
}

/** The organization whose UUID is the team's. @throws WireRefusal `no-team-member` unless the caller is in it */
export async function teamOf(
  { useCases }: WireParts<"lookup">,
  { user }: Caller,
  team: string,
): Promise<number> {
  const mine = await useCases.lookup.organizationsOf(user);
  const found = mine.find(({ uuid }) => uuid === team);
  if (!found) throw wireRefusal("noTeamMember");
  return found.id;
}

/** Whether Wire's access of a room lets these users in. */
export async function requireAdmission(
  { useCases }: WireParts<"lookup">,
  room: Parameters<typeof checkAdmission>[0],
  users: readonly User[],
): Promise<void> {
  const { organizationId } = room;
  const team =
    room.accessRole === "team" && organizationId !== null && users.length > 0
      ? await useCases.lookup.organizationUsers(organizationId)
      : [];
  const inTeam = new Set(team.map(({ id }) => id));
  switch (
    checkAdmission(
      room,
      users.map(({ id }) => id),
      inTeam,
    )
  ) {
    case "denied":
      throw wireRefusal("accessDenied");
    case "not_in_team":
      throw new WireRefusal(403, "no-team-member", "Only members of the team may be in this conversation");
    case null:
      return;
  }
}
