/** Topic and picture of a room that people changed in Matrix. What they are there now counts, not the event: it may be an old one. */

import type { Actor } from "../../src/domain/model.ts";
import { MAX_AVATAR_BYTES } from "../../src/domain/rooms/avatars.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Media } from "../homeserver/media.ts";
import type { Pictures } from "../homeserver/pictures.ts";
import { cleanText, type MatrixEvent } from "../mapping/matrix-events.ts";
import type { MatrixLookup } from "../rooms/matrix-lookup.ts";
import type { OpenRoom } from "../rooms/rooms.ts";

/** Each: @returns false when the chat can't have it, so that its own has to be put back. @throws DomainError, HomeserverError */
export interface RoomProfile {
  /** Applies an `m.room.topic`; an empty one takes the description away. */
  topic(room: OpenRoom, event: MatrixEvent, actor: Actor): Promise<boolean>;
  /** Applies an `m.room.avatar`; one without an address takes the picture away. */
  picture(room: OpenRoom, event: MatrixEvent, actor: Actor): Promise<boolean>;
}

export interface RoomProfileOptions {
  roomSettings: Pick<UseCases["roomSettings"], "update">;
  attachments: Pick<UseCases["attachments"], "upload" | "delete">;
  media: Pick<Media, "download">;
  pictures: Pictures;
  lookup: MatrixLookup;
}

export function createRoomProfile(options: RoomProfileOptions): RoomProfile {
  const { roomSettings, attachments, media, pictures, lookup } = options;

  /** @returns the id of an attachment of the actor; null when there are no such bytes, or too many */
  async function fetch(actor: Actor, mxc: string): Promise<string | null> {
    const keep = (content: ReadableStream<Uint8Array>) =>
      attachments.upload(actor, { filename: "picture", content });
    try {
      const kept =
        (await media.download(mxc, MAX_AVATAR_BYTES, keep)) ??
        (await media.download(mxc, MAX_AVATAR_BYTES, keep, "thumbnail"));
      return kept?.id ?? null;
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.away) throw error;
      return null; // It never came, or its homeserver does not have it: that holds no room up.
    }
  }

  async function setPicture(room: OpenRoom, actor: Actor, mxc: string): Promise<boolean> {
    const file = await fetch(actor, mxc);
    if (file === null) return false;
    try {
      const { room: changed } = await roomSettings.update(actor, room.token, { avatar: file });
      if (changed.avatarId !== null) await pictures.cameFrom(changed.avatarId, mxc);
      return true;
    } finally {
      await attachments.delete(actor, file);
    }
  }

  return {
    async topic(room, event, actor) {
      const { topic = "" } = await lookup.roomState(room, "m.room.topic");
      const isCurrent = topic === (event.content.topic ?? "");
      if (!isCurrent || topic === (room.chatroom.description ?? "")) return true;
      if (typeof topic !== "string") return false;
      await roomSettings.update(actor, room.token, { description: cleanText(topic) || null });
      return true;
    },
    async picture(room, event, actor) {
      const { url = "" } = await lookup.roomState(room, "m.room.avatar");
      if (url !== (event.content.url ?? "")) return true;
      if (url === ((await pictures.address(room.chatroom.avatarId)) ?? "")) return true;
      if (typeof url !== "string") return false;
      if (url !== "") return await setPicture(room, actor, url);
      await roomSettings.update(actor, room.token, { avatar: null });
      return true;
    },
  };
}
