/** A WebSocket that sends whatever bytes a test wants, and hands over what comes, frame by frame. */
import { Packr } from "msgpackr";
import { WebSocket } from "ws";
import type { Codec } from "../black-box/socket-client.ts";

export type Frame = Record<string, unknown> & { op: string };

const packr = new Packr({ useRecords: false });
const SUBPROTOCOLS = { json: "causeway.v1.json", msgpack: "causeway.v1.msgpack" };
const LIMIT_MS = 20_000;

export class RawClient {
  readonly socket: WebSocket;
  readonly #codec: Codec;
  readonly #frames: Frame[] = [];
  /** All frames that came, in order. */
  readonly seen: Frame[] = [];
  #wake: (() => void) | null = null;
  /** Resolves with how the connection ended. */
  readonly closed: Promise<{ code: number; reason: string }>;
  #isClosed = false;

  private constructor(socket: WebSocket, codec: Codec) {
    this.socket = socket;
    this.#codec = codec;
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      const frame: Frame = isBinary ? packr.unpack(data) : JSON.parse(data.toString());
      this.#frames.push(frame);
      this.seen.push(frame);
      this.#wake?.();
    });
    socket.on("error", () => {
      // The close event follows.
    });
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        this.#isClosed = true;
        this.#wake?.();
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  static async connect(url: string, codec: Codec = "json"): Promise<RawClient> {
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws`, SUBPROTOCOLS[codec]);
    const client = new RawClient(socket, codec);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  say(frame: object): void {
    this.socket.send(this.#codec === "json" ? JSON.stringify(frame) : packr.pack(frame));
  }
  bytes(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  /** The next frame, or the next for which `wanted` holds; those before it are dropped. */
  async next(wanted: (frame: Frame) => boolean = () => true): Promise<Frame> {
    const deadline = Date.now() + LIMIT_MS;
    for (;;) {
      for (let frame = this.#frames.shift(); frame; frame = this.#frames.shift())
        if (wanted(frame)) return frame;
      if (this.#isClosed) throw new Error("the connection ended before the frame came");
      if (Date.now() > deadline) throw new Error("the frame did not come");
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LIMIT_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Frames that have come and were not asked for. */
  pending(): readonly Frame[] {
    return this.#frames;
  }

  async hello(token: string, more: object = {}): Promise<Frame> {
    this.say({ op: "hello", ref: "hello", token, ...more });
    return this.next((frame) => frame.ref === "hello");
  }

  /** Says a frame and returns its answer. */
  async ask(frame: Record<string, unknown> & { ref: number | string }): Promise<Frame> {
    this.say(frame);
    return this.next((answer) => answer.ref === frame.ref);
  }

  async drop(): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }
}
