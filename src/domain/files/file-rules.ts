/** Rules that every file follows, whichever way it comes: its name, its size, its type, and the bounds on it. */
import { fileTypeFromStream } from "file-type";
import mime from "mime";
import type { DomainSettings } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import type { AttachmentFiles, ReceivedFile } from "../ports/attachments.ts";
import type { FileBounds, StoredAttachment } from "../ports/store/messages.ts";
import { checkVisible, checkWellFormed } from "../text-rules.ts";
import type { AttachmentView } from "../use-cases/files.ts";

export const MAX_ATTACHMENT_BYTES = 25 * 1024 * 1024;
const FILENAME_CHARACTERS = 255;
/** Files of one user that are not sent yet, with those that are being uploaded. */
const MAX_WAITING = 100;
const UNKNOWN_TYPE = "application/octet-stream";

/** @throws DomainError `unavailable` in a process that has no storage for files */
export function keptFiles(files: AttachmentFiles | null): AttachmentFiles {
  if (files) return files;
  throw new DomainError("unavailable", "This process keeps no files");
}

export function fileBounds({ files }: Pick<DomainSettings, "files">): FileBounds {
  const { perUser, perOrganization } = files ?? { perUser: 0, perOrganization: 0 };
  return { waiting: MAX_WAITING, ownerBytes: perUser, organizationBytes: perOrganization };
}

export function viewOf({
  id,
  filename,
  type,
  size,
  createdAt,
  place,
  room,
}: StoredAttachment): AttachmentView {
  return { id, filename, type, size, createdAt, place, room };
}

/** The message for a file that exceeds a bound, with the numbers. */
export function excess(
  bound: "waiting" | "owner" | "organization",
  { used, size, bounds }: { used: number; size: number; bounds: FileBounds },
): string {
  if (bound === "waiting") return "Too many files wait to be sent; send or delete some";
  const [whose, most] =
    bound === "owner" ? ["Your", bounds.ownerBytes] : ["Your organization's", bounds.organizationBytes];
  return (
    `file has ${size} bytes and there is no room for it: ${used} of ${most} bytes are used. ` +
    `${whose} files may not take more together; delete some`
  );
}

/** @returns the name without spaces around it @throws DomainError `bad_request` on `filename` */
export function checkFilename(filename: string): string {
  const name = filename.trim();
  if (name.length === 0 || name.length > FILENAME_CHARACTERS || /[\p{Cc}/\\]/u.test(name)) {
    throw badField("filename", "must be 1 to 255 characters without slashes and control characters");
  }
  checkWellFormed("filename", name);
  checkVisible("filename", name);
  return name;
}

/**
 * The media type from the content; for formats without a signature, such as text, `given`, or that of the name. Recordings
 * have the signature of films: where both types name the same format (`video/webm`, `audio/webm`) `given` counts.
 */
export async function typeOf(file: ReceivedFile, filename: string, given?: string): Promise<string> {
  const stream = file.read();
  const found = await fileTypeFromStream(stream);
  if (!stream.locked) await stream.cancel();
  if (found && given !== undefined && formatOf(found.mime) === formatOf(given)) return given;
  return found?.mime ?? given ?? mime.getType(filename) ?? UNKNOWN_TYPE;
}

function formatOf(type: string): string | undefined {
  return type.split("/")[1];
}

/** `type/format` of RFC 6838, perhaps with parameters. */
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/;
const TYPE_CHARACTERS = 255;

/** @returns the media type in lower case, without parameters @throws DomainError `bad_request` on `type` */
export function checkMediaType(type: string): string {
  const bare =
    type
      .slice(0, TYPE_CHARACTERS + 1)
      .split(";", 1)[0]
      ?.trim()
      .toLowerCase() ?? "";
  if (type.length > TYPE_CHARACTERS || !MEDIA_TYPE.test(bare))
    throw badField("type", "must be a media type of at most 255 characters, as image/png");
  return bare;
}

export function noSuchFile(): DomainError {
  return new DomainError("not_found", "There is no such attachment, or you can't see it", { field: "id" });
}
