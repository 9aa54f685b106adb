/** Reads bodies of `multipart/form-data` with one file as a stream. The size of everything else is bounded. */
import { once } from "node:events";
import { Busboy } from "@fastify/busboy";
import { badField, type DomainError } from "../../domain/errors.ts";
import { type HttpContext, tooLarge } from "./face.ts";

export interface UploadedFile {
  filename: string;
  /** Ends when the whole body was read, and fails when it is malformed. */
  content: ReadableStream<Uint8Array>;
}

const FIELD = "file";
/** The most parts of a body. Parts beside the file are ignored. */
const MAX_PARTS = 16;
const LIMITS = { parts: MAX_PARTS, fieldSize: 1_024, fieldNameSize: 100, headerPairs: 16, headerSize: 4_096 };

/**
 * Passes the file of the part `file` to `use`. The body is read as fast as `use` reads the file.
 * @param maxBytes of the whole body
 * @returns the result of `use`
 * @throws DomainError `bad_request` on `file` or `body`, `too_large`; errors of reading the body
 */
export async function readUpload<T>(
  c: HttpContext,
  maxBytes: number,
  use: (file: UploadedFile) => Promise<T>,
): Promise<T> {
  const type = c.req.header("content-type") ?? "";
  if (!/^multipart\/form-data\b/i.test(type)) throw badField(FIELD, "must be sent as multipart/form-data");
  const parser = new UploadParser(type);
  const body = bounded(c.req.raw.body, maxBytes);
  try {
    while (parser.filename === null && (await parser.feed(await body.next())));
    if (parser.filename === null) throw badField(FIELD, "is required");
    const content = ReadableStream.from(rest(parser, body)) as ReadableStream<Uint8Array>;
    return await use({ filename: unescaped(parser.filename), content });
  } finally {
    await body.return();
  }
}

async function* rest(parser: UploadParser, body: AsyncGenerator<Uint8Array, void>) {
  let goesOn = true;
  while (goesOn) {
    yield* parser.taken();
    goesOn = await parser.feed(await body.next());
  }
  yield* parser.taken();
}

async function* bounded(body: ReadableStream<Uint8Array> | null, maxBytes: number) {
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    yield chunk;
  }
}

/** Reverses the escaping of names (HTML, "multipart/form-data encoding algorithm"). */
function unescaped(filename: string): string {
  const escaped: Record<string, string> = { "%22": '"', "%0D": "\r", "%0A": "\n" };
  return filename.replaceAll(/%22|%0D|%0A/g, (code) => escaped[code] as string);
}

class UploadParser {
  /** Null until the part with the file began. */
  filename: string | null = null;
  readonly #busboy: Busboy;
  #chunks: Uint8Array[] = [];
  readonly #failed: Promise<never>;
  #fail: (error: Error) => void = () => {};

  /** @throws DomainError `bad_request` on `body` */
  constructor(contentType: string) {
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => {}); // It is told to whoever feeds.
    this.#busboy = open(contentType);
    this.#busboy.on("file", (field, stream, filename) => {
      if (field !== FIELD) return void stream.resume();
      if (this.filename !== null) return this.#fail(notOneFile());
      this.filename = filename;
      stream.on("data", (chunk: Uint8Array) => this.#chunks.push(chunk));
      stream.on("error", () => this.#fail(malformed()));
    });
    this.#busboy.on("field", (field) => {
      if (field === FIELD) this.#fail(notOneFile());
    });
    this.#busboy.on("partsLimit", () => this.#fail(badField("body", `must have at most ${MAX_PARTS} parts`)));
    this.#busboy.on("error", () => this.#fail(malformed()));
  }

  /**
   * Parses the next piece of the body.
   * @returns whether there can be more
   * @throws DomainError `bad_request`
   */
  async feed(piece: IteratorResult<Uint8Array, void>): Promise<boolean> {
    const parsed = piece.done ? this.#finished() : this.#write(piece.value);
    await Promise.race([this.#failed, parsed]);
    return !piece.done;
  }

  /** The bytes of the file since the last call. */
  taken(): Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }

  #write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#busboy.write(chunk, () => resolve());
    });
  }

  async #finished(): Promise<void> {
    const finished = once(this.#busboy, "finish");
    this.#busboy.end();
    await finished;
  }
}

function open(contentType: string): Busboy {
  try {
    return new Busboy({
      headers: { "content-type": contentType },
      limits: LIMITS,
      preservePath: true,
      isPartAFile: (_field, _type, filename) => filename !== undefined,
    });
  } catch {
    throw malformed();
  }
}

function notOneFile(): DomainError {
  return badField(FIELD, "must be one file, with a filename");
}

function malformed(): DomainError {
  return badField("body", "must be well-formed multipart/form-data");
}
