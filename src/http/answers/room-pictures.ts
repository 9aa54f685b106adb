/**
 * URLs of rooms' pictures: one on the web that a client gave, or one of a picture that Causeway keeps. The latter opens the
 * picture without authentication, so it is told to those alone who may see the room.
 */
import { badField } from "../../domain/errors.ts";
import type { Conversation } from "../../domain/model.ts";
import { publicLink } from "./public-path.ts";

const FOLDER = "/api/v1/chat/avatars";
/** With Messenger's prefix or without. */
const OWN_PATH = /\/avatars\/([0-9a-f]{64})\/?$/;

/** @param baseUrl where clients reach this server */
export function pictureUrl(
  { avatarUrl, avatarId }: Pick<Conversation, "avatarUrl" | "avatarId">,
  baseUrl: string,
): string | null {
  if (avatarUrl !== null || avatarId === null) return avatarUrl;
  return publicLink(baseUrl, `${FOLDER}/${avatarId}`);
}

/**
 * What a client means that gives a picture by its URL. Clients send whole rooms back, so the URL of the room's own picture
 * changes nothing.
 * @param room null: a new room, or something else than a room
 * @param baseUrl where clients reach this server
 * @returns undefined: leave it as it is
 * @throws DomainError `bad_request` on `avatarUrl` for another picture of ours: its URL dies with its room
 */
export function givenPicture<T extends string | null | undefined>(
  url: T,
  room: Pick<Conversation, "avatarId"> | null,
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
