/** URLs of rooms' pictures in requests. See `pictureUrl` for those in answers. */
import { badField } from "../../domain/errors.ts";
import type { Room } from "../../domain/model.ts";

/** With Messenger's prefix or without. */
const OWN_PATH = /\/avatars\/([0-9a-f]{64})\/?$/;

/**
 * Reads the URL of a picture in a client's request. Clients send whole rooms back, so the URL of the room's own picture
 * changes nothing.
 * @param room null: a new room, or something else than a room
 * @param baseUrl where clients reach this server
 * @returns undefined: no change
 * @throws DomainError `bad_request` on `avatarUrl` for the picture of another room, whose URL ends with that room
 */
export function givenPicture<T extends string | null | undefined>(
  url: T,
  room: Pick<Room, "avatarId"> | null,
  baseUrl: string,
): T | undefined {
  if (!url || !URL.canParse(url)) return url;
  const { origin, pathname } = new URL(url);
  const [, id] = OWN_PATH.exec(pathname) ?? [];
  if (id === undefined) return url;
  if (id === room?.avatarId) return undefined;
  if (origin !== new URL(baseUrl).origin) return url;
  throw badField("avatarUrl", "must not be the picture of another room, or a former one");
}
