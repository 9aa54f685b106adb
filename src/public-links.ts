/** Addresses of this server for clients: of paths, of rooms' pictures, and of guest links. */

/**
 * The address of a path of ours (`/v1/…`).
 * @param publicUrl where clients reach this server. It may have a path (`https://example.org/chat`) that a proxy removes
 */
export function publicLink(publicUrl: string, path: string): string {
  return new URL(publicUrl.replace(/\/$/, "") + path).href;
}

/**
 * The picture of a room: a client's own URL, or that of a picture stored by Causeway. The latter works without
 * authentication, so only people who may see the room get it.
 */
export function pictureUrl(
  { avatarUrl, avatarId }: { avatarUrl: string | null; avatarId: string | null },
  publicUrl: string,
): string | null {
  if (avatarUrl !== null || avatarId === null) return avatarUrl;
  return publicLink(publicUrl, `/api/v1/chat/avatars/${avatarId}`);
}

/** @param link the room's public id, and its secret code */
export function guestLinkUrl(link: { key: string; code: string }, publicUrl: string): string {
  const url = new URL(publicLink(publicUrl, "/conversations/join"));
  url.search = new URLSearchParams({ ...link }).toString();
  return url.href;
}
