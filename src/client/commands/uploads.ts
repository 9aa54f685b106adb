/** Uploads: a file is announced in the session, and its bytes go by HTTP in parts, so that one that was lost is sent again alone. */
import type { OkFields, WireAttachment } from "../../protocol/frames.ts";
import type { Command, Fields } from "./command.ts";

export interface UploadCommands {
  /** Announces a file. The answer says where its bytes go; {@link uploadFile} announces a file and brings them there. */
  upload: Command<"upload">;
  /** Gives our file another name, also once it was sent. */
  fileRename: Command<"file.rename">;
}

export interface FileToUpload extends Pick<Fields<"upload">, "room" | "sha256"> {
  /** The bytes. A `File` of a browser has a name and a type. */
  file: Blob | Uint8Array<ArrayBuffer>;
  /** The name of the `File` unless given. */
  filename?: string;
  /** The media type: that of the `File` or `Blob` unless given. */
  type?: string;
  /** Called with each part that the server has. */
  onProgress?: (sent: number, size: number) => void;
  /** Gives up: the upload rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** The server did not take the bytes, and will not. */
export class UploadRefused extends Error {
  /** Of HTTP: 403 when the time for the upload is over, 422 when the bytes are not as announced. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "UploadRefused";
    this.status = status;
  }
}

const PART_BYTES = 1_048_576;
/** Tries of one part. */
const MAX_TRIES = 8;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15_000;
const INCOMPLETE = 308;
const CONFLICT = 409;

/** The part of a client that is used. */
export type Announcer = Pick<UploadCommands, "upload">;

/**
 * Uploads a file in parts, each again after a loss, from where the server stands. `send` takes the id of the attachment that it
 * resolves with. Rejects with `Refused` or `ConnectionLost` where it can't begin, with {@link UploadRefused}, or with what `fetch`
 * threw at the last try. It is no method of the client, so that an app without files does not carry it.
 */
export async function uploadFile(client: Announcer, upload: FileToUpload): Promise<WireAttachment> {
  const { file, room, sha256, onProgress, signal } = upload;
  const size = file instanceof Uint8Array ? file.byteLength : file.size;
  const told: { name?: string; type?: string } = file instanceof Uint8Array ? {} : file;
  const filename = upload.filename ?? told.name ?? "file";
  const type = upload.type || told.type || "application/octet-stream";
  const announced = { filename, type, size, ...(room && { room }), ...(sha256 && { sha256 }) };
  const target = await client.upload(announced);
  let sent = 0;
  for (let failures = 0; ; ) {
    signal?.throwIfAborted();
    try {
      const answer = await putPart(target, { file, size }, sent, signal);
      const stands = reached(answer);
      if (answer.ok) {
        onProgress?.(size, size);
        return (await answer.json()) as WireAttachment;
      }
      if (stands > sent) failures = 0;
      else failures++;
      sent = stands;
      onProgress?.(sent, size);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof UploadRefused || ++failures >= MAX_TRIES) throw error;
      await pause(Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)), signal);
      sent = await standing(target, sent, signal);
    }
    if (failures >= MAX_TRIES) throw new UploadRefused(INCOMPLETE, "The server takes no part of the file");
  }
}

async function putPart(
  { url, method, headers }: OkFields["upload"],
  { file, size }: Pick<FileToUpload, "file"> & { size: number },
  first: number,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const end = Math.min(size, first + PART_BYTES);
  const range = `bytes ${first}-${end - 1}/${size}`;
  const body = file instanceof Uint8Array ? file.subarray(first, end) : file.slice(first, end);
  const answer = await fetch(url, {
    ...{ method, headers: { ...headers, "Content-Range": range }, body },
    ...(signal && { signal }),
  });
  const { status } = answer;
  if (answer.ok || status === INCOMPLETE || status === CONFLICT) return answer;
  const message = `The server answered ${status} to a part of the file`;
  if (status < 500 && status !== 408 && status !== 429) throw new UploadRefused(status, message);
  throw new Error(message);
}

/** How many bytes the server has, from the answer's `Range`. */
function reached(answer: Response): number {
  const last = /^bytes=0-(\d+)$/.exec(answer.headers.get("Range") ?? "")?.[1];
  return last === undefined ? 0 : Number(last) + 1;
}

/** After a failure: where the upload stands, or where it stood when the server can't be asked. */
async function standing({ url }: OkFields["upload"], sent: number, signal?: AbortSignal): Promise<number> {
  const asked = { method: "HEAD", ...(signal && { signal }) };
  const answer = await fetch(url, asked).catch(() => null);
  if (answer?.status !== INCOMPLETE) return sent;
  return reached(answer);
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
