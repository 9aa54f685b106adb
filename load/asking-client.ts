/** A client for scenarios in which one session asks and waits: every frame is parsed, every answer awaited. */
import type {
  EventFrame,
  OkFields,
  OkFrame,
  ReadyFrame,
  ServerFrame,
  UnreadFrame,
} from "../src/protocol/frames.ts";
import { causeway } from "./dialects/causeway.ts";
import { Connection } from "./websocket/connection.ts";

export interface AskingClient {
  readonly ready: ReadyFrame;
  /** Bytes of the `ready` frame. */
  readonly readyBytes: number;
  /** Sends a frame and resolves with its answer. @throws Error when it is refused or the connection ends */
  ask<Op extends keyof OkFields>(op: Op, fields: Record<string, unknown>): Promise<OkFrame<Op>>;
  onEvent(listener: (event: EventFrame) => void): void;
  onUnread(listener: (unread: UnreadFrame) => void): void;
  close(): void;
}

interface Pending {
  resolve(frame: ServerFrame): void;
  reject(error: Error): void;
}

const HELLO = 0;

/** Connects, says hello and resolves with the session. */
export async function openAskingClient(url: URL, token: string): Promise<AskingClient> {
  const pending = new Map<number, Pending>();
  let nextRef = HELLO + 1;
  let ready: ReadyFrame | null = null;
  let readyBytes = 0;
  let eventListener: (event: EventFrame) => void = () => undefined;
  let unreadListener: (unread: UnreadFrame) => void = () => undefined;

  const take = (frame: ServerFrame, bytes: number) => {
    if (frame.op === "event") eventListener(frame);
    else if (frame.op === "unread") unreadListener(frame);
    else if ("ref" in frame) {
      const waiting = pending.get(Number(frame.ref));
      pending.delete(Number(frame.ref));
      if (frame.op === "ready") {
        ready = frame;
        readyBytes = bytes;
      }
      if (frame.op === "error") waiting?.reject(new Error(`${frame.code}: ${frame.message}`));
      else waiting?.resolve(frame);
    }
  };
  const waitFor = (ref: number) =>
    new Promise<ServerFrame>((resolve, reject) => pending.set(ref, { resolve, reject }));

  const secure = url.protocol === "https:";
  const { path, protocol } = causeway;
  const endpoint = { host: url.hostname, port: Number(url.port || (secure ? 443 : 80)), secure, path };
  const connection = new Connection(
    { ...endpoint, ...(protocol !== undefined && { protocol }) },
    {
      open: () => connection.send(causeway.hello({ token, rooms: [] })),
      frame: (bytes, start, end) =>
        take(JSON.parse(bytes.toString("utf8", start, end)) as ServerFrame, end - start),
      closed: (code, reason) => {
        for (const { reject } of pending.values())
          reject(new Error(`the connection ended: ${code} ${reason}`));
        pending.clear();
      },
    },
  );
  await waitFor(HELLO);
  return {
    ready: ready as unknown as ReadyFrame,
    readyBytes,
    ask: async (op, fields) => {
      const ref = nextRef++;
      connection.send(JSON.stringify({ op, ref, ...fields }));
      return (await waitFor(ref)) as OkFrame<typeof op>;
    },
    onEvent: (listener) => {
      eventListener = listener;
    },
    onUnread: (listener) => {
      unreadListener = listener;
    },
    close: () => connection.close(),
  };
}
