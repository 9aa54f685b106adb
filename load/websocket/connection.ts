/**
 * A WebSocket connection on a bare socket. All connections of a process read into one buffer, so that a delivery costs
 * neither an allocation nor a turn through Node's streams: several times cheaper than a full client.
 */
import { createHash, randomBytes } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { encodeFrame, FrameReader, OPCODE } from "./frames.ts";

export interface Endpoint {
  host: string;
  port: number;
  /** TLS. */
  secure: boolean;
  path: string;
  /** The subprotocol to ask for. */
  protocol?: string;
}

export interface ConnectionListener {
  open(): void;
  /** A text or binary frame; the bytes are valid only until this returns. */
  frame(bytes: Buffer, start: number, end: number): void;
  /** Called once. Code 1006: the connection ended without a close frame, or never opened. */
  closed(code: number, reason: string): void;
}

const ACCEPT_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const ABNORMAL = 1006;
const HEAD_LIMIT = 16_384;
const HEAD_END = "\r\n\r\n";
/** Read and worked off before the next socket is read, as epoll has it. */
const SHARED_BUFFER = Buffer.allocUnsafeSlow(256 * 1024);

export class Connection {
  readonly #socket: Socket;
  readonly #listener: ConnectionListener;
  readonly #reader = new FrameReader();
  readonly #onFrame = (opcode: number, bytes: Buffer, start: number, end: number) =>
    this.#take(opcode, bytes, start, end);
  #head: string | null = "";
  #accept = "";
  #code = ABNORMAL;
  #reason = "";

  constructor(endpoint: Endpoint, listener: ConnectionListener) {
    this.#listener = listener;
    this.#socket = this.#dial(endpoint);
    this.#socket.setNoDelay(true);
    this.#socket.once(endpoint.secure ? "secureConnect" : "connect", () => this.#upgrade(endpoint));
    this.#socket.once("error", (error) => {
      this.#reason ||= error.message;
    });
    this.#socket.once("close", () => listener.closed(this.#code, this.#reason));
  }

  send(text: string): void {
    this.#socket.write(encodeFrame(OPCODE.text, text));
  }

  /** Ends with a close frame. */
  close(): void {
    this.#socket.end(encodeFrame(OPCODE.close, Buffer.from([0x03, 0xe8])));
  }

  /** Ends without a word, as a phone in a tunnel does. */
  cut(): void {
    this.#socket.destroy();
  }

  #dial({ host, port, secure }: Endpoint): Socket {
    if (secure) {
      const socket = connectTls({ host, port, servername: host });
      socket.on("data", (chunk: Buffer) => this.#read(chunk, chunk.length));
      return socket;
    }
    const onread = {
      buffer: SHARED_BUFFER,
      callback: (length: number) => {
        this.#read(SHARED_BUFFER, length);
        return true;
      },
    };
    return connectTcp({ host, port, onread });
  }

  #upgrade({ host, port, path, protocol }: Endpoint): void {
    const key = randomBytes(16).toString("base64");
    this.#accept = createHash("sha1").update(`${key}${ACCEPT_KEY}`).digest("base64");
    const head = [
      `GET ${path} HTTP/1.1`,
      `Host: ${host}:${port}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Key: ${key}`,
      "Sec-WebSocket-Version: 13",
      ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    ];
    this.#socket.write(head.join("\r\n") + HEAD_END);
  }

  #read(bytes: Buffer, length: number): void {
    try {
      const start = this.#head === null ? 0 : this.#readHead(bytes, length);
      if (start < length) this.#reader.read(bytes, start, length, this.#onFrame);
    } catch (error) {
      this.#fail((error as Error).message);
    }
  }

  /** Returns where the frames begin. */
  #readHead(bytes: Buffer, length: number): number {
    const before = this.#head?.length ?? 0;
    this.#head += bytes.toString("latin1", 0, length);
    const head = this.#head ?? "";
    const end = head.indexOf(HEAD_END);
    if (end === -1) {
      if (head.length > HEAD_LIMIT) throw new Error("the answer to the upgrade does not end");
      return length;
    }
    const [status = "", ...fields] = head.slice(0, end).split("\r\n");
    if (!status.startsWith("HTTP/1.1 101")) throw new Error(`the upgrade was answered with ${status}`);
    const accepted = fields.some(
      (field) => /^sec-websocket-accept:/i.test(field) && field.includes(this.#accept),
    );
    if (!accepted) throw new Error("the answer to the upgrade is not the server's own");
    this.#head = null;
    this.#listener.open();
    return end + HEAD_END.length - before;
  }

  #take(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === OPCODE.text || opcode === OPCODE.binary) this.#listener.frame(bytes, start, end);
    else if (opcode === OPCODE.ping) {
      this.#socket.write(encodeFrame(OPCODE.pong, Buffer.from(bytes.subarray(start, end))));
    } else if (opcode === OPCODE.close) {
      this.#code = end - start >= 2 ? bytes.readUInt16BE(start) : 1005;
      this.#reason = bytes.toString("utf8", Math.min(start + 2, end), end);
      this.#socket.end(
        encodeFrame(OPCODE.close, Buffer.from(bytes.subarray(start, Math.min(start + 2, end)))),
      );
    }
  }

  #fail(reason: string): void {
    this.#reason = reason;
    this.#socket.destroy();
  }
}
