/**
 * WebSocket frames (RFC 6455 §5) as a client writes and reads them, with as little work per frame as can be: the
 * generator shares the machine with what it measures.
 */

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** `bytes[start..end)` is the payload; it is valid only until the listener returns. */
export type FrameListener = (opcode: number, bytes: Buffer, start: number, end: number) => void;

const FINAL = 0x80;
const MASKED = 0x80;
const MASK_BYTES = 4;

/** A whole frame, masked with zeros: clients have to mask [§5.3], and no proxy stands between us and our own server. */
export function encodeFrame(opcode: number, payload: string | Buffer): Buffer {
  const length = Buffer.byteLength(payload);
  const extension = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + extension + MASK_BYTES + length);
  frame[0] = FINAL | opcode;
  frame[1] = MASKED | (extension === 0 ? length : extension === 2 ? 126 : 127);
  if (extension === 2) frame.writeUInt16BE(length, 2);
  if (extension === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.writeUInt32BE(0, 2 + extension);
  const at = 2 + extension + MASK_BYTES;
  if (typeof payload === "string") frame.write(payload, at);
  else payload.copy(frame, at);
  return frame;
}

/** Cuts a stream of bytes into the frames of a server, which come unmasked. */
export class FrameReader {
  /** The beginning of a frame whose end has not come yet. */
  #rest: Buffer | null = null;
  #fragments: Buffer[] = [];
  #fragmentOpcode = 0;

  /** Takes `chunk[start..end)`, which may be overwritten afterwards. @throws Error for what no server may send */
  read(chunk: Buffer, start: number, end: number, listener: FrameListener): void {
    let bytes = chunk;
    let at = start;
    let limit = end;
    if (this.#rest) {
      bytes = Buffer.concat([this.#rest, chunk.subarray(start, end)]);
      at = 0;
      limit = bytes.length;
      this.#rest = null;
    }
    while (at < limit) {
      const body = bodyStart(bytes, at, limit);
      const stop = body === -1 ? -1 : body + bodyLength(bytes, at);
      if (stop === -1 || stop > limit) break;
      this.#take(bytes[at] as number, bytes, body, stop, listener);
      at = stop;
    }
    if (at < limit) this.#rest = Buffer.from(bytes.subarray(at, limit));
  }

  #take(first: number, bytes: Buffer, start: number, end: number, listener: FrameListener): void {
    const opcode = first & 0x0f;
    if (opcode >= OPCODE.close || (first === (FINAL | opcode) && opcode !== OPCODE.continuation)) {
      listener(opcode, bytes, start, end);
      return;
    }
    if (opcode !== OPCODE.continuation) this.#fragmentOpcode = opcode;
    this.#fragments.push(Buffer.from(bytes.subarray(start, end)));
    if ((first & FINAL) === 0) return;
    const whole = Buffer.concat(this.#fragments);
    this.#fragments = [];
    listener(this.#fragmentOpcode, whole, 0, whole.length);
  }
}

/** Where the payload starts; -1 while the header is not complete. */
function bodyStart(bytes: Buffer, at: number, limit: number): number {
  if (limit - at < 2) return -1;
  const second = bytes[at + 1] as number;
  if ((second & MASKED) !== 0) throw new Error("the server masked a frame");
  const body = at + (second === 126 ? 4 : second === 127 ? 10 : 2);
  return body > limit ? -1 : body;
}

function bodyLength(bytes: Buffer, at: number): number {
  const second = bytes[at + 1] as number;
  if (second < 126) return second;
  return second === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
}
