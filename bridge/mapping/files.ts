/** Files of messages, as the contents of Matrix events have them. Pure functions. */
import type { ShownAttachment } from "../../src/domain/model.ts";
import { type EncryptedFile, encryptedFileOf } from "./encrypted-file.ts";
import type { MatrixEvent } from "./matrix-events.ts";

// ── To Matrix ────────────────────────────────────────────────────────────────────────────────────────

/** The content for a file at the `mxc:` address `url`. `said`: the author that the bot stands in for, or empty. */
export function fileContent({ filename, type, size }: ShownAttachment, url: string, said: string) {
  return {
    msgtype: fileMsgtype(type),
    body: said === "" ? filename : `${said}: ${filename}`,
    filename,
    url,
    info: { mimetype: type, size },
    "m.mentions": {},
  };
}

/** SVG images can hold scripts, so Matrix clients do not show them; they are sent as files. */
function fileMsgtype(type: string): string {
  const [kind = ""] = type.split("/");
  return ["image", "video", "audio"].includes(kind) && type !== "image/svg+xml" ? `m.${kind}` : "m.file";
}

// ── From Matrix ──────────────────────────────────────────────────────────────────────────────────────

/**
 * How a message's file stands: it was copied (`kept`), so that its caption or name is the text; it is on its way
 * (`arriving`), will not come (`lost`) or can't be decrypted (`locked`), which a sentence tells; or it is not for us (`named`), so
 * that its name and `mxc:` address are the text.
 */
export type FileStanding = "kept" | "arriving" | "lost" | "locked" | "named";

/** The text of a message with a file. Where there is a `filename`, `body` is the caption (Matrix v1.10). */
export function fileText(content: MatrixEvent["content"], body: string, standing: FileStanding): string {
  if (standing === "kept") return body.trim() || fileName(content);
  const file = content.file as { url?: unknown } | undefined;
  const url = content.url ?? file?.url;
  const name = typeof content.filename === "string" ? content.filename : body;
  const caption = name === body ? "" : `${body}\n`;
  if (standing === "arriving") return `${caption}sent a file (arriving): ${fileName(content)}`;
  if (standing === "locked")
    return `${caption}sent an encrypted file whose key or hash is wrong: ${fileName(content)}`;
  const named = `${name}${typeof url === "string" ? ` (${url})` : ""}`;
  return `${caption}${standing === "lost" ? "sent a file that did not arrive: " : ""}${named}`;
}

/** A file that can be read, with a name that Causeway accepts. */
export interface OpenFile {
  /** Its `mxc:` address. */
  url: string;
  filename: string;
  /** Bytes according to the sender, more than 0; null when unknown. */
  size: number | null;
  /** What it is decrypted with; null: it is not encrypted. */
  encrypted: EncryptedFile | null;
}

type Said = Pick<MatrixEvent, "type" | "content">;

/** The file of a message. Null for other messages, and for files to which there is no key. */
export function openFile(event: Said): OpenFile | null {
  const { content } = event;
  if (!isFile(event)) return null;
  const encrypted = content.file === undefined ? null : encryptedFileOf(content.file);
  const url = content.file === undefined ? content.url : encrypted?.url;
  if (typeof url !== "string") return null;
  const { size } = (content.info ?? {}) as { size?: unknown };
  return { url, filename: fileName(content), size: sizeOf(size), encrypted };
}

/** Clients write 0 where they do not know. */
function sizeOf(said: unknown): number | null {
  return typeof said === "number" && said > 0 ? said : null;
}

/** Whether the message has an encrypted file to which there is no key. */
export function isLocked(event: Said): boolean {
  return isFile(event) && event.content.file !== undefined && encryptedFileOf(event.content.file) === null;
}

function isFile({ type, content }: Said): boolean {
  return type === "m.sticker" || (type === "m.room.message" && FILE_MSGTYPES.has(String(content.msgtype)));
}

const FILE_MSGTYPES: ReadonlySet<string> = new Set(["m.image", "m.file", "m.audio", "m.video"]);
/** Causeway's limit on file names, in UTF-16 units. */
const MAX_FILENAME = 255;

function fileName({ filename, body }: MatrixEvent["content"]): string {
  const name = typeof filename === "string" ? filename : typeof body === "string" ? body : "";
  const plain = Buffer.from(name)
    .toString()
    .replaceAll(/[\p{Cc}/\\]/gu, "_")
    .trim();
  let cut = "";
  for (const character of plain) {
    if (cut.length + character.length > MAX_FILENAME) break;
    cut += character;
  }
  return cut.trim() || "file";
}
