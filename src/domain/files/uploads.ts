/**
 * Receiving files in parts. A part is stored under a key of its own, in the storage of files, before the store counts it,
 * so any process takes the next part, and what was taken survives a crash of the process. The last part makes the whole.
 *
 * Only bytes with one hash become a file: the first whole fixes it in the store before its bytes are kept. So whoever sends
 * the last part at the same time, or again after a crash, keeps the same bytes under the same id.
 */
import { createHash } from "node:crypto";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { isPublicId, newPublicId } from "../ids.ts";
import { memberKey } from "../model.ts";
import type { AttachmentFiles, ReceivedFile } from "../ports/attachments.ts";
import type { StoredUpload } from "../ports/store/uploads.ts";
import type { PartInput, UploadProgress, Uploads } from "../use-cases/files.ts";
import { noteAttachments } from "./attachment-notes.ts";
import {
  checkFilename,
  checkMediaType,
  excess,
  fileBounds,
  keptFiles,
  MAX_ATTACHMENT_BYTES,
  noSuchFile,
  typeOf,
  viewOf,
} from "./file-rules.ts";

const KEEP_MS = 3_600_000;
/** Parts that are stored of one upload, those that came too late included. */
const MAX_PARTS = 1_000;
const SWEEP_STEP = 100;
const SHA256 = /^[0-9a-f]{64}$/i;

/** The bytes are not those that were announced: of another size, or with another hash. */
export class NotAsAnnounced extends DomainError {
  constructor(message: string) {
    super("bad_request", message);
    this.name = "NotAsAnnounced";
  }
}

export function createUploads(context: Context, files: AttachmentFiles | null): Uploads {
  const { store, now } = context;
  const kept = () => keptFiles(files);

  /** @throws DomainError `not_found` */
  async function progress(id: string, known?: StoredUpload | null): Promise<UploadProgress> {
    const upload = known ?? (isPublicId(id) ? await store.uploads.find(id) : null);
    if (upload) return standing(upload);
    const file = isPublicId(id) ? await store.messages.attachment(id) : null;
    if (!file) throw noSuchFile();
    return { received: file.size, size: file.size, owner: file.owner, attachment: viewOf(file) };
  }

  async function put(id: string, { content, range }: PartInput): Promise<UploadProgress> {
    const upload = isPublicId(id) ? await store.uploads.find(id) : null;
    if (!upload) return await progress(id);
    const { first, last } = rangeWithin(upload, range);
    if (first > upload.received) {
      const message = `The part starts at byte ${first}, and the upload stands at ${upload.received}`;
      throw new DomainError("conflict", message);
    }
    if (first < upload.received) return standing(upload);
    const length = last - first + 1;
    const part = await kept().receive(content, length);
    if (part === null) throw new NotAsAnnounced(`The part must have ${length} bytes, and has more`);
    try {
      if (part.size !== length)
        throw new NotAsAnnounced(`The part must have ${length} bytes, and has ${part.size}`);
      if (last + 1 < upload.size) return await keepPart(upload, first, part);
      return first === 0 ? await finish(upload, part) : await finishWith(upload, part);
    } finally {
      await part.discard();
    }
  }

  async function keepPart(upload: StoredUpload, start: number, part: ReceivedFile): Promise<UploadProgress> {
    const { id } = upload;
    if ((await store.uploads.partCount(id)) >= MAX_PARTS)
      throw new NotAsAnnounced(`A file may come in ${MAX_PARTS} parts at most; make them larger`);
    const key = newPublicId();
    await store.uploads.addPart(id, { key, start, size: part.size });
    await part.keep(key);
    if (!(await store.uploads.takePart(id, key))) {
      // Another request brought this part first, or the upload is over.
      await discardParts([key]);
    }
    return await progress(id);
  }

  /** After a crash in between, the sweep removes them when the upload is over. */
  async function discardParts(keys: readonly string[]): Promise<void> {
    for (const key of keys) await kept().delete(key);
    await store.uploads.partsGone(keys);
  }

  /** Puts the whole together from the stored parts and the last one. */
  async function finishWith(upload: StoredUpload, last: ReceivedFile): Promise<UploadProgress> {
    const parts = await store.uploads.parts(upload.id);
    const content = ReadableStream.from(
      joined(
        parts.map(({ key }) => key),
        last,
      ),
    );
    const whole = await kept().receive(content, upload.size);
    if (whole === null) throw gone();
    try {
      if (whole.size !== upload.size) throw gone();
      return await finish(upload, whole);
    } finally {
      await whole.discard();
    }
  }

  async function* joined(keys: readonly string[], last: ReceivedFile): AsyncGenerator<Uint8Array> {
    for (const key of keys) {
      const stored = await kept().open(key);
      if (!stored) throw gone();
      yield* stored;
    }
    yield* last.read();
  }

  async function finish(upload: StoredUpload, whole: ReceivedFile): Promise<UploadProgress> {
    const { id, filename } = upload;
    const [sha256, type] = [await hashOf(whole), await typeOf(whole, filename, upload.type)];
    if (!(await store.uploads.pin(id, sha256))) {
      const current = await store.uploads.find(id);
      if (!current) return await progress(id);
      await discardParts(await store.uploads.restart(id));
      throw new NotAsAnnounced("The file has another SHA-256; send all of it again");
    }
    await whole.keep(id);
    const finished = await store.transaction(async (tx) => {
      const file = await tx.uploads.finish(id, type, now());
      if (file) await noteAttachments(tx, "attachment.created", [file]);
      return file;
    });
    if (!finished && !(await store.messages.needsContent(id))) await kept().delete(id);
    return await progress(id);
  }

  return {
    async begin(actor, { filename, type, size, sha256, room }) {
      const name = checkFilename(filename);
      const mediaType = checkMediaType(type);
      if (size === 0) throw badField("size", "must not be 0");
      if (size > MAX_ATTACHMENT_BYTES)
        throw new DomainError("too_large", "size must be at most 25 MiB", { field: "size" });
      if (sha256 !== undefined && !SHA256.test(sha256))
        throw badField("sha256", "must be 64 hexadecimal digits");
      kept();
      if (room !== undefined) await context.accesses.require(actor, room, "send");
      const createdAt = now();
      const upload = {
        ...{ id: newPublicId(), owner: memberKey(actor), filename: name, type: mediaType, size },
        ...{ sha256: sha256?.toLowerCase() ?? null, createdAt, expiresAt: createdAt + KEEP_MS },
      };
      const bounds = fileBounds(context.settings);
      const { status, used } = await store.uploads.begin(upload, bounds);
      if (status !== "added" && status !== "known")
        throw new DomainError("too_large", excess(status, { used, size, bounds }), { field: "size" });
      return { id: upload.id, expiresAt: upload.expiresAt };
    },
    progress: (id) => progress(id),
    async put(id, part) {
      try {
        return await put(id, part);
      } finally {
        if (!part.content.locked) await part.content.cancel();
      }
    },
    async sweep(at) {
      while ((await store.uploads.removeExpired(at, SWEEP_STEP)) === SWEEP_STEP);
      if (!files) return;
      let keys: string[];
      do {
        keys = await store.uploads.unwantedParts(SWEEP_STEP);
        await discardParts(keys);
      } while (keys.length === SWEEP_STEP);
    },
  };
}

function standing({ received, size, owner }: StoredUpload): UploadProgress {
  return { received, size, owner, attachment: null };
}

/** @throws NotAsAnnounced for a part that is not within the file */
function rangeWithin({ size }: StoredUpload, range: PartInput["range"]): { first: number; last: number } {
  if (range === null) return { first: 0, last: size - 1 };
  const { first, last, total } = range;
  if (total !== null && total !== size)
    throw new NotAsAnnounced(`The file must have ${size} bytes, and Content-Range says ${total}`);
  if (first > last || last >= size)
    throw new NotAsAnnounced(`The part must be within the ${size} bytes of the file`);
  return { first, last };
}

async function hashOf(file: ReceivedFile): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of file.read()) hash.update(chunk);
  return hash.digest("hex");
}

/** While the last part came, the upload was finished or begun anew by another request. */
function gone(): DomainError {
  return new DomainError("conflict", "The upload changed meanwhile; ask how far it is");
}
