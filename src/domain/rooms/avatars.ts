/** Pictures of rooms and users. They are checked by their bytes and not by their declared type. */
import { buffer } from "node:stream/consumers";
import { fileTypeFromBuffer } from "file-type";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { isPublicId } from "../ids.ts";
import { type Actor, memberKey, type Picture } from "../model.ts";
import type { AttachmentFiles } from "../ports/attachments.ts";

export const MAX_AVATAR_BYTES = 1 << 20;
/** Raster formats only: an SVG can contain scripts. */
const IMAGES: ReadonlySet<string> = new Set([
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "image/avif",
]);

/** @throws DomainError `too_large`, or `bad_request` when the bytes are no image */
export async function checkAvatar(bytes: Uint8Array): Promise<Picture> {
  if (bytes.length > MAX_AVATAR_BYTES) throw tooLarge();
  const type = await fileTypeFromBuffer(bytes);
  if (!type || !IMAGES.has(type.mime)) {
    throw badField("avatar", "must be a PNG, JPEG, GIF, WebP or AVIF image");
  }
  return { bytes, mime: type.mime };
}

/** The picture of an uploaded file. @throws DomainError as {@link checkAvatar}; `bad_request` for a file that is not the actor's */
export type PictureOf = (actor: Actor, attachmentId: string) => Promise<Picture>;

/** @param files the storage of attachments; null where this process has none */
export function createPictureOf({ store }: Context, files: AttachmentFiles | null): PictureOf {
  return async (actor, id) => {
    const found = isPublicId(id) ? await store.messages.attachment(id) : null;
    if (found?.owner !== memberKey(actor) || found.place !== null) throw noSuchImage();
    if (found.size > MAX_AVATAR_BYTES) throw tooLarge();
    if (!files) throw new DomainError("unavailable", "This process keeps no files");
    const stream = await files.open(found.content);
    if (!stream) throw noSuchImage();
    return await checkAvatar(await buffer(stream));
  };
}

function noSuchImage(): DomainError {
  return badField("avatar", "must be the id of an image that you uploaded and did not send yet");
}

function tooLarge(): DomainError {
  return new DomainError("too_large", "avatar must be at most 1 MiB (1,048,576 bytes)", { field: "avatar" });
}
