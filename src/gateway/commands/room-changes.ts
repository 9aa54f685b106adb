/** Making, joining and changing rooms, and their links [GW-16]. */
import type { Actor, Room } from "../../domain/model.ts";
import { linkNamed, linkOf } from "../../domain/rooms/guest-links.ts";
import type { Change } from "../../domain/use-cases/room-settings.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { RoomPreview } from "../../protocol/frames.ts";
import { guestLinkUrl } from "../../public-links.ts";
import type { EntryShape } from "../frames/room-entry.ts";
import type { Memberships } from "../sessions/membership.ts";
import type { Speaker } from "../sessions/session.ts";
import { type Handlers, withFields } from "./handlers.ts";
import { userNamed } from "./members.ts";

export type RoomChanges = Handlers<
  "room.create" | "room.direct" | "room.preview" | "room.join" | "room.set" | "room.link"
>;

/** What the domain says of a code, a client knows as `link`. */
const OF_THE_LINK = { code: "link", access: "link", organizationId: "link" };

export interface RoomChangesOptions {
  useCases: Pick<UseCases, "roomLifecycle" | "oneToOne" | "joining" | "guestLinks" | "roomSettings">;
  entries: Pick<EntryShape, "of">;
  memberships: Pick<Memberships, "entered">;
  publicUrl: () => string;
}

export function createRoomChanges(options: RoomChangesOptions): RoomChanges {
  const { useCases, entries, memberships, publicUrl } = options;
  const { roomLifecycle, oneToOne, joining, guestLinks, roomSettings } = useCases;

  /** @param isNew whether the command changed something */
  async function answer(actor: Actor, room: string, isNew: boolean) {
    const entry = { room: await entries.of(actor, room) };
    return isNew ? entry : { ...entry, duplicate: true as const };
  }

  /** The session is in the room before it is answered, so that its next command finds the room. */
  async function entered({ session, identity }: Speaker, room: string, isNew: boolean) {
    await memberships.entered(session, room);
    return await answer(identity.actor, room, isNew);
  }

  return {
    // [GW-16.10]
    async "room.create"(speaker, { id, members, organization, op: _op, ref: _ref, ...fields }) {
      const people = members.map((one) => ({ member: userNamed(one), role: "user" as const }));
      const { room, created } = await withFields({ organizationId: "organization" }, () =>
        roomLifecycle.createOnce(speaker.identity.actor, id, {
          ...{ type: fields.type, name: fields.name, members: people },
          ...{ description: fields.description ?? null, avatar: fields.avatar ?? null },
          ...(organization !== undefined && { organizationId: organization }),
          ...(fields.history && { history: fields.history }),
        }),
      );
      return await entered(speaker, room.token, created);
    },

    // [GW-16.11]
    async "room.direct"(speaker, { user }) {
      const { room, created } = await withFields({ members: "user" }, () =>
        oneToOne.open(speaker.identity.actor, userNamed(user)),
      );
      return await entered(speaker, room.token, created);
    },

    // [GW-16.16]
    async "room.preview"(speaker, { room: token, link }) {
      const { actor } = speaker.identity;
      const limits = { from: speaker.session.connection.ip };
      if (token !== undefined) return previewOf(await joining.look(actor, token, limits), "token");
      const found = await withFields(OF_THE_LINK, () =>
        guestLinks.preview(actor, linkNamed(link ?? ""), limits),
      );
      return previewOf(found, "link");
    },

    // [GW-16.12]
    async "room.join"(speaker, { room: token, link, password }) {
      const { actor } = speaker.identity;
      const comer = { password, from: speaker.session.connection.ip };
      const { room, event } =
        token === undefined
          ? await withFields(OF_THE_LINK, () => guestLinks.join(actor, linkNamed(link ?? ""), comer))
          : await joining.enter(actor, token, comer);
      return await entered(speaker, room.token, event !== null);
    },

    // [GW-16.13]
    async "room.set"({ identity }, { room, op: _op, ref: _ref, ...patch }) {
      const { event } = await roomSettings.update(identity.actor, room, patch);
      return await answer(identity.actor, room, event !== null);
    },

    // [GW-16.15]
    async "room.link"({ identity }, { room, on, password }) {
      return linkAnswer(await guestLinks.set(identity.actor, room, { on, password }), publicUrl());
    },
  };
}

/** A stranger is told the name by a link alone, and the token only by those who say it. */
function previewOf({ room, member }: { room: Room; member: boolean }, by: "token" | "link"): RoomPreview {
  const { token, name, type, passwordHash, guestPasswordHash } = room;
  return {
    ...((member || by === "token") && { room: token }),
    ...((member || by === "link") && { name }),
    type,
    hasPassword: (by === "token" ? passwordHash : guestPasswordHash) !== null,
    ...(member && { member: true as const }),
  };
}

function linkAnswer({ room, event }: Change, publicUrl: string) {
  const link = linkOf(room);
  const answer = { link: link && guestLinkUrl(link, publicUrl) };
  return event ? answer : { ...answer, duplicate: true as const };
}
