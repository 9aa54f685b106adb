/** [B.3] Rooms: the sixteen operations of the document. */
import { z } from "@hono/zod-openapi";
import { badField } from "../../../domain/errors.ts";
import type { Actor } from "../../../domain/model.ts";
import { callingClient } from "../common/operations.ts";
import { MAX_ID_LENGTH, type TalkParts } from "../common/parts.ts";
import { NOTIFICATION_LEVELS } from "../shapes/constants.ts";
import { PREFIX } from "../shapes/description.ts";
import type { Outcome } from "../shapes/envelope.ts";
import { integer, line } from "../shapes/parameters.ts";
import type { Viewer } from "../shapes/room-bodies.ts";
import { roomSchema, strangersBody } from "../shapes/room-shapes.ts";

/** A rough bound; the domain checks names and passwords. */
const MAX_NAME_LENGTH = 1_000;
const MAX_PASSWORD_LENGTH = 4_000;

const ROOMS = `${PREFIX}/room`;
const ROOM = `${ROOMS}/{token}`;
const DONE: Outcome = { status: 200 };
const NOT_MODERATOR = "The caller is no moderator";
const room = (description: string) => ({ data: roomSchema, description });

export function registerRooms(
  parts: TalkParts<
    "roomLifecycle" | "finding" | "guests" | "lookup" | "memberSettings" | "oneToOne" | "roomSettings"
  >,
): void {
  registerList(parts);
  registerCreate(parts);
  registerOne(parts);
  registerRenameAndDelete(parts);
  registerPublic(parts);
  registerPasswordAndLock(parts);
  registerOwnSettings(parts);
}

function registerList({ forUsers, useCases, bodies }: TalkParts<"finding">): void {
  forUsers(
    {
      method: "get",
      path: ROOMS,
      summary: "The caller's rooms",
      answers: { 200: { data: z.array(roomSchema), description: "Newest activity first" } },
    },
    async ({ actor, client }) => ({
      status: 200,
      data: await bodies.all({ actor, client }, await useCases.finding.list(actor)),
    }),
  );
}

function registerCreate(parts: TalkParts<"roomLifecycle" | "finding" | "lookup" | "oneToOne">): void {
  const { forUsers, useCases, bodies } = parts;

  async function answer(viewer: Viewer, token: string, created: boolean): Promise<Outcome> {
    const view = await useCases.finding.view(viewer.actor, { token });
    return { status: created ? 201 : 200, data: await bodies.one(viewer, view) };
  }

  /** Makes a room with shared history, as in Talk. */
  async function create(
    viewer: Viewer,
    type: "group" | "public",
    name: string,
    members: readonly Actor[] = [],
  ) {
    const invited = members
      .filter(({ id }) => id !== viewer.actor.id)
      .map((member) => ({ member, role: "user" as const }));
    const made = await useCases.roomLifecycle.create(viewer.actor, {
      type,
      name,
      history: "shared",
      members: invited,
    });
    return await answer(viewer, made.token, true);
  }

  forUsers(
    {
      method: "post",
      path: ROOMS,
      summary: "Create a room",
      input: {
        roomType: integer({ min: 1, max: 3 }).openapi({ description: "1 one-to-one, 2 group, 3 public" }),
        invite: line(MAX_ID_LENGTH)
          .default("")
          .openapi({ description: "A user (one-to-one), or a group (group)" }),
        roomName: line(MAX_NAME_LENGTH).default("").openapi({ description: "1–200 characters" }),
      },
      answers: {
        200: room("The one-to-one room that is there already"),
        201: room("The new room"),
        403: "A one-to-one room with oneself",
        404: "Whom or what to invite does not exist",
      },
    },
    async ({ actor, client, input: { roomType, invite, roomName } }) => {
      const viewer = { actor, client };
      if (roomType === 1) {
        const other = await parts.useCases.lookup.actor(invite);
        const { room, created } = await useCases.oneToOne.open(actor, other, { history: "shared" });
        return await answer(viewer, room.token, created);
      }
      if (roomType === 3 || invite === "")
        return await create(viewer, roomType === 3 ? "public" : "group", roomName);
      const group = await useCases.finding.group(actor, invite);
      return await create(viewer, "group", group.id, group.members);
    },
  );
}

function registerOne({ open, useCases, bodies }: TalkParts<"finding" | "guests">): void {
  open(
    {
      method: "get",
      path: ROOM,
      summary: "One room; public ones for everybody who has the token",
      answers: { 200: room("As the caller sees it") },
    },
    async ({ caller, token }) => {
      const actor = caller.kind === "user" ? caller.actor : await guestActor(caller.secret, token);
      const found = await useCases.finding.find(actor, token);
      if (!found.member) return { status: 200, data: strangersBody(found.room) };
      return {
        status: 200,
        data: await bodies.one({ actor: actor as Actor, client: callingClient(caller) }, found.view),
      };
    },
  );

  const guestActor = async (secret: string | null, token: string) =>
    secret === null ? null : await useCases.guests.actorOf(secret, token);
}

function registerRenameAndDelete({ inRoom, useCases }: TalkParts<"roomLifecycle" | "roomSettings">): void {
  inRoom(
    {
      ...{ method: "put", path: ROOM, summary: "Rename a room", action: "rename", guests: true },
      input: { roomName: line(MAX_NAME_LENGTH).openapi({ description: "1–200 characters" }) },
      answers: {
        200: "It has the name",
        403: NOT_MODERATOR,
        409: "Another chatroom of the organization has this name",
      },
    },
    async ({ actor, token, input }) => {
      await useCases.roomSettings.rename(actor, token, input.roomName);
      return DONE;
    },
  );
  inRoom(
    {
      ...{ method: "delete", path: ROOM, summary: "Delete a room", action: "delete_room", guests: true },
      answers: { 200: "It is gone", 403: NOT_MODERATOR },
    },
    async ({ actor, token }) => {
      await useCases.roomLifecycle.delete(actor, token);
      return DONE;
    },
  );
}

/** [B.7] Making a public room public, or a private room private, is refused. */
function registerPublic({ inRoom, useCases }: TalkParts<"roomSettings">): void {
  for (const on of [true, false]) {
    inRoom(
      {
        method: on ? "post" : "delete",
        path: `${ROOM}/public`,
        summary: on ? "Allow guests" : "Disallow guests; those who found the room by themselves are put out",
        action: "publish",
        answers: {
          200: on ? "The room is public" : "The room is a group room",
          400: on ? "It is no group room" : "It is no public room",
          403: NOT_MODERATOR,
        },
      },
      async ({ actor, token }) => {
        const { event } = await useCases.roomSettings.setPublic(actor, token, on);
        if (event === null) throw badField("token", on ? "names no group room" : "names no public room");
        return DONE;
      },
    );
  }
}

function registerPasswordAndLock({ inRoom, useCases }: TalkParts<"roomSettings">): void {
  inRoom(
    {
      ...{ method: "put", path: `${ROOM}/read-only`, summary: "Lock or unlock a room", action: "lock" },
      input: { state: integer({ min: 0, max: 1 }).openapi({ description: "0 read and write, 1 read only" }) },
      answers: { 200: "It is in that state", 400: "Not of one-to-one rooms", 403: NOT_MODERATOR },
    },
    async ({ actor, token, input }) => {
      await useCases.roomSettings.setReadOnly(actor, token, input.state === 1);
      return DONE;
    },
  );
  inRoom(
    {
      ...{ method: "put", path: `${ROOM}/password`, action: "password", guests: true },
      summary: "Set the password that strangers need; an empty one removes it",
      input: { password: line(MAX_PASSWORD_LENGTH).default("") },
      answers: { 200: "It is set", 403: `${NOT_MODERATOR}, or the room is not public` },
    },
    async ({ actor, token, input }) => {
      await useCases.roomSettings.setPassword(actor, token, input.password);
      return DONE;
    },
  );
}

function registerOwnSettings({ inRoom, useCases }: TalkParts<"memberSettings">): void {
  for (const favourite of [true, false]) {
    inRoom(
      {
        method: favourite ? "post" : "delete",
        path: `${ROOM}/favorite`,
        summary: favourite ? "Add a room to one's favourites" : "Take a room out of one's favourites",
        action: "own_settings",
        answers: { 200: "Done" },
      },
      async ({ actor, token }) => {
        await useCases.memberSettings.change(actor, token, { favourite });
        return DONE;
      },
    );
  }
  inRoom(
    {
      ...{ method: "post", path: `${ROOM}/notify`, summary: "Set one's notification level" },
      action: "own_settings",
      input: { level: integer({ min: 1, max: 3 }).openapi({ description: "1 always, 2 mention, 3 never" }) },
      answers: { 200: "It is set" },
    },
    async ({ actor, token, input }) => {
      const notificationLevel = NOTIFICATION_LEVELS[input.level] ?? "default";
      await useCases.memberSettings.change(actor, token, { notificationLevel });
      return DONE;
    },
  );
}
