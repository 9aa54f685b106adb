/** [B.4] Participants of a room: listing, joining, leaving, moderators, guests' names, and the lobby. */
import { z } from "@hono/zod-openapi";
import { badField } from "../../../domain/errors.ts";
import type { Actor } from "../../../domain/model.ts";
import type { RoomPerson } from "../../../domain/use-cases/rooms.ts";
import { setGuestCookie } from "../common/authentication.ts";
import { callingClient } from "../common/operations.ts";
import { MAX_ID_LENGTH, type TalkParts } from "../common/parts.ts";
import { ownSessionId, setClientCookie, type TalkClient } from "../shapes/clients.ts";
import { NOT_JOINED, PARTICIPANT_TYPE, ROOM_TYPE, seconds } from "../shapes/constants.ts";
import { PREFIX } from "../shapes/description.ts";
import type { Outcome } from "../shapes/envelope.ts";
import { integer, line } from "../shapes/parameters.ts";
import { roomSchema } from "../shapes/room-shapes.ts";

const MAX_PASSWORD_LENGTH = 4_000;
const MAX_SESSION_LENGTH = 1_024;
const MAX_NAME_LENGTH = 1_000;
/** The last second of the year 9999. */
const LAST_SECOND = 253_402_300_799;

const ROOM = `${PREFIX}/room/{token}`;
const PEOPLE = `${ROOM}/participants`;
const DONE: Outcome = { status: 200 };
const NOT_MODERATOR = "The caller is no moderator";

const personSchema = z
  .object({
    userId: z.string().openapi({ description: "Empty: a guest" }),
    displayName: z.string(),
    participantType: z.int(),
    lastPing: z.int().openapi({ description: "Seconds since 1970 UTC" }),
    sessionId: z.string(),
    inCall: z.int().openapi({ description: "Bits: 1 in call, 2 audio, 4 video" }),
  })
  .openapi("Participant");

export function registerParticipants(
  parts: TalkParts<"roomLifecycle" | "guests" | "joining" | "lookup" | "roomSettings" | "roster">,
): void {
  registerList(parts);
  registerAdd(parts);
  registerRemove(parts);
  registerRemoveGuest(parts);
  registerJoin(parts);
  registerLeave(parts);
  registerGuestName(parts);
  registerModerators(parts);
  registerLobby(parts);
}

function registerList({ inRoom, useCases }: TalkParts<"roster">): void {
  inRoom(
    {
      ...{ method: "get", path: PEOPLE, summary: "Who is in a room", action: "list_members", guests: true },
      answers: {
        200: { data: z.array(personSchema), description: "In the order in which they joined" },
        403: "The caller is a guest",
      },
    },
    async ({ actor, client, token, me }) => {
      const people = await useCases.roster.list(actor, token);
      const own = (person: RoomPerson) => person.membership.member === me.member;
      const data = people.map((person) => personBody(person, own(person) ? client : undefined));
      return { status: 200, data };
    },
  );
}

/** The entry of a person. `client` is set for the caller, whose own session is then shown. */
function personBody(person: RoomPerson, client: TalkClient | undefined): z.infer<typeof personSchema> {
  const { user, actor, membership, lastPing, sessions, sessionId, callFlags } = person;
  return {
    userId: user?.handle ?? "",
    displayName: user?.displayName ?? actor.name,
    participantType: PARTICIPANT_TYPE[membership.role],
    lastPing: seconds(lastPing),
    sessionId: ownSessionId(sessions, client) ?? sessionId ?? NOT_JOINED,
    inCall: callFlags,
  };
}

function registerAdd(parts: TalkParts<"roomLifecycle" | "lookup" | "roster">): void {
  const { inRoom, useCases } = parts;
  inRoom(
    {
      ...{ method: "post", path: PEOPLE, summary: "Add a user, a group, or an e-mail address" },
      action: "add_members",
      input: {
        newParticipant: line(MAX_ID_LENGTH),
        source: z.enum(["users", "groups", "emails"], "must be users, groups or emails").default("users"),
      },
      answers: {
        200: {
          data: z.union([z.object({ type: z.int() }), z.array(z.unknown()).max(0)]),
          description: "In the room; the type tells that the room became public, for an e-mail address",
        },
        403: NOT_MODERATOR,
      },
    },
    async ({ actor, token, input: { newParticipant, source } }) => {
      if (source === "groups") await useCases.roster.addGroup(actor, token, newParticipant);
      if (source === "users") {
        const member = await parts.useCases.lookup.actor(newParticipant);
        await useCases.roomLifecycle.addMembers(actor, token, [{ member, role: "user" }]);
      }
      if (source !== "emails") return DONE;
      const { room } = await useCases.roster.addEmail(actor, token, newParticipant);
      return { status: 200, data: { type: ROOM_TYPE[room.type] } };
    },
  );
}

function registerRemove(parts: TalkParts<"lookup" | "roster">): void {
  const { inRoom, useCases } = parts;
  inRoom(
    {
      ...{ method: "delete", path: PEOPLE, summary: "Remove a user", action: "remove_members", guests: true },
      input: { participant: line(MAX_ID_LENGTH) },
      answers: {
        200: "Out of the room",
        400: "A one-to-one room, or oneself as the last moderator",
        403: `${NOT_MODERATOR}, or the user is an owner`,
      },
    },
    async ({ actor, token, input }) => {
      await useCases.roster.remove(actor, token, await parts.useCases.lookup.actor(input.participant));
      return DONE;
    },
  );
  inRoom(
    {
      ...{ method: "delete", path: `${PEOPLE}/self`, summary: "Leave a room for good", action: "leave" },
      answers: { 200: "Out of the room", 400: "The last moderator, while others remain" },
    },
    async ({ actor, token }) => {
      await useCases.roster.removeSelf(actor, token);
      return DONE;
    },
  );
}

function registerRemoveGuest({ inRoom, useCases }: TalkParts<"roster">): void {
  inRoom(
    {
      ...{ method: "delete", path: `${PEOPLE}/guests`, summary: "Remove a guest" },
      action: "remove_members",
      guests: true,
      input: { participant: line(MAX_SESSION_LENGTH).openapi({ description: "The guest's session" }) },
      answers: {
        200: "Out of the room",
        400: "No guest's session",
        403: `${NOT_MODERATOR}, or it is their own`,
      },
    },
    async ({ actor, token, input }) => {
      await useCases.roster.removeGuest(actor, token, input.participant);
      return DONE;
    },
  );
}

function registerJoin({ open, useCases, bodies, publicUrl }: TalkParts<"guests" | "joining">): void {
  const { guests, joining } = useCases;
  open(
    {
      ...{ method: "post", path: `${PEOPLE}/active`, summary: "Join a room" },
      input: { password: line(MAX_PASSWORD_LENGTH).default("") },
      answers: {
        200: {
          data: roomSchema,
          description:
            "The room, with the session of this client; it gets a cookie, by which it is told apart from the caller's others",
        },
        403: "The password is wrong, or a moderator took this guest out",
      },
    },
    async ({ c, caller, token, input }) => {
      const secret = caller.kind === "guest" ? (caller.secret ?? guests.newSecret()) : null;
      const actor = caller.kind === "user" ? caller.actor : await guests.actorOf(secret as string, token);
      const client = callingClient(caller);
      const from = { from: c.env.ip, ...(secret !== null && { secret }), ...(client && { client }) };
      const view = await joining.join(actor, token, { password: input.password, ...from });
      if (secret !== null) setGuestCookie(c, secret, publicUrl());
      if (client) setClientCookie(c, client, publicUrl());
      // Exactly this client, not those that look like it.
      const joined = client && { ...client, part: `:${client.id}` };
      return { status: 200, data: await bodies.one({ actor, client: joined }, view) };
    },
  );
}

function registerLeave({ open, useCases: { guests, joining } }: TalkParts<"guests" | "joining">): void {
  open(
    {
      ...{ method: "delete", path: `${PEOPLE}/active` },
      summary:
        "Leave a room with this client, until joining it again; guests and who found it by themselves are members no longer once no client of theirs is there",
      answers: { 200: "Left; also when the caller was not there" },
    },
    async ({ caller, token }) => {
      if (caller.kind === "guest" && caller.secret === null) return DONE;
      const actor =
        caller.kind === "user" ? caller.actor : await guests.actorOf(caller.secret as string, token);
      await joining.leave(actor, token, callingClient(caller));
      return DONE;
    },
  );
}

function registerGuestName({ open, useCases: { guests } }: TalkParts<"guests">): void {
  open(
    {
      ...{ method: "post", path: `${PREFIX}/guest/{token}/name`, summary: "A guest's name in a room" },
      input: { displayName: line(MAX_NAME_LENGTH).default("") },
      answers: { 200: "It is set", 403: "The caller is no guest" },
    },
    async ({ caller, token, input }) => {
      const actor = caller.kind === "user" ? caller.actor : await guests.actorOf(caller.secret ?? "", token);
      await guests.setName(actor, token, input.displayName);
      return DONE;
    },
  );
}

function registerModerators(parts: TalkParts<"guests" | "lookup" | "roster">): void {
  const { inRoom, useCases } = parts;
  const { guests, roster } = useCases;

  /** A user by id, or a guest by session. */
  async function targetOf({
    participant,
    sessionId,
  }: {
    participant: string;
    sessionId: string;
  }): Promise<Actor> {
    if (participant !== "") return await parts.useCases.lookup.actor(participant);
    if (sessionId === "") throw badField("participant", "or sessionId is required");
    return { kind: "guest", id: guests.idOf(sessionId), name: "" };
  }

  for (const up of [true, false]) {
    inRoom(
      {
        method: up ? "post" : "delete",
        path: `${ROOM}/moderators`,
        summary: up ? "Make a user or a guest a moderator" : "Take a moderator's power",
        // [B.6.5] In one-to-one rooms the refusal depends on the target.
        action: ({ type }) => (type === "one_to_one" ? null : "set_roles"),
        guests: true,
        input: {
          participant: line(MAX_ID_LENGTH).default("").openapi({ description: "A user" }),
          sessionId: line(MAX_SESSION_LENGTH).default("").openapi({ description: "A guest's session" }),
        },
        answers: {
          200: "Done",
          400: up ? "Neither a user nor a guest" : "No moderator",
          403: up ? NOT_MODERATOR : `${NOT_MODERATOR}, or demotes themselves`,
        },
      },
      async ({ actor, token, input }) => {
        const target = await targetOf(input);
        await (up ? roster.promote(actor, token, target) : roster.demote(actor, token, target));
        return DONE;
      },
    );
  }
}

/** [B.4] The lobby, under both of Talk's paths. */
function registerLobby({ inRoom, useCases }: TalkParts<"roomSettings">): void {
  for (const spelling of ["webinar", "webinary"]) {
    inRoom(
      {
        ...{
          method: "put",
          path: `${ROOM}/${spelling}/lobby`,
          summary: "Close or open the lobby",
          action: "lobby",
        },
        input: {
          state: integer({ min: 0, max: 1 }).openapi({ description: "0 open to all, 1 moderators only" }),
          timer: integer({ min: 0, max: LAST_SECOND })
            .default(0)
            .openapi({ description: "When it opens by itself, seconds since 1970 UTC; 0: never" }),
        },
        answers: { 200: "It is in that state", 400: "Not of one-to-one rooms", 403: NOT_MODERATOR },
      },
      async ({ actor, token, input: { state, timer } }) => {
        const until = timer === 0 ? null : timer * 1_000;
        await useCases.roomSettings.setLobby(actor, token, { on: state === 1, until });
        return DONE;
      },
    );
  }
}
