/** Checks pictures of rooms and users, by their bytes and not by their declared type. */
import { fileTypeFromBuffer } from "file-type";
import { badField, DomainError } from "../errors.ts";
import type { Picture } from "../model.ts";

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
  if (bytes.length > MAX_AVATAR_BYTES) {
    throw new DomainError("too_large", "avatar must be at most 1 MiB (1,048,576 bytes)", { field: "avatar" });
  }
  const type = await fileTypeFromBuffer(bytes);
  if (!type || !IMAGES.has(type.mime)) {
    throw badField("avatar", "must be a PNG, JPEG, GIF, WebP or AVIF image");
  }
  return { bytes, mime: type.mime };
}
