/** A minimal messenger app on the WebSocket protocol v1, in JSON or MessagePack. */
import { Packr } from "msgpackr";
import { WebSocket } from "ws";
import type { Listener } from "./listeners.ts";

export interface App {
  /** The user's id, from `ready`. */
  readonly userId: number;
  /** Passes the messages of this room to the listener from now on. */
  watchRoom(room: string): void;
  /** Resolves with the message's seq when it is stored. */
  say(room: string, text: string): Promise<number>;
  /** The texts in the room's log. */
  texts(room: string): Promise<string[]>;
  close(): void;
}

interface Frame {
  op: string;
  ref?: number | null;
  [field: string]: unknown;
}
const LIMIT_MS = 10_000;
const packr = new Packr({ useRecords: false });
const CODECS = {
  json: {
    protocol: "causeway.v1.json",
    encode: (frame: Frame) => JSON.stringify(frame),
    decode: (data: Buffer) => JSON.parse(data.toString()) as Frame,
  },
  msgpack: {
    protocol: "causeway.v1.msgpack",
    encode: (frame: Frame) => packr.pack(frame),
    decode: (data: Buffer) => packr.unpack(data) as Frame,
  },
} as const;

interface AppOptions {
  url: string;
  token: string;
  codec: keyof typeof CODECS;
  listener: Listener;
  /** Is called for an event whose seq does not follow the one before in its room. */
  onFault: (fault: string) => void;
}

/** Connects and sends `hello`. @throws Error when an answer takes longer than 10 s */
export async function connectApp({ url, token, codec: name, listener, onFault }: AppOptions): Promise<App> {
  const codec = CODECS[name];
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws`, codec.protocol);
  const requests = trackRequests(listener.name, (frame) => socket.send(codec.encode(frame)));
  const checkOrder = orderCheck(listener.name, onFault);
  let attended: string | null = null;

  const takeEvent = (event: Frame) => {
    checkOrder(String(event.room), Number(event.seq));
    const [text] = messageTexts([event]);
    if (event.room !== attended || text === undefined) return;
    listener.receive((event.actor as { name: string }).name, text);
  };
  socket.on("message", (data: Buffer) => {
    const frame = codec.decode(data);
    if (frame.op === "event") takeEvent(frame);
    else requests.answer(frame);
  });
  socket.on("close", (code) => requests.end(`the connection ended with ${code}`));
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });

  const ready = await requests.ask({ op: "hello", token, device: "demo" });
  const heartbeat = setInterval(() => {
    requests.ask({ op: "ping" }).catch(() => undefined); // A lost connection shows in what is asked next.
  }, Number(ready.heartbeatMs) / 2);
  socket.once("close", () => clearInterval(heartbeat));
  let sent = 0;
  return {
    userId: Number((ready.user as { id: string }).id),
    watchRoom: (room) => {
      attended = room;
    },
    say: async (room, text) => {
      const id = `${String(ready.session)}-${++sent}`.slice(-64);
      return Number((await requests.ask({ op: "send", room, id, text })).seq);
    },
    texts: async (room) => {
      const { events } = await requests.ask({ op: "history", room, limit: 200 });
      return messageTexts(events as Frame[]);
    },
    close: () => socket.close(),
  };
}

/** Matches answers to requests by `ref`. */
function trackRequests(name: string, send: (frame: Frame) => void) {
  const pending = new Map<number, (answer: Frame | Error) => void>();
  let lastRef = 0;
  const settle = (ref: number, answer: Frame | Error) => {
    pending.get(ref)?.(answer);
    pending.delete(ref);
  };
  return {
    ask: (frame: Frame) =>
      new Promise<Frame>((resolve, reject) => {
        const ref = ++lastRef;
        const late = () => settle(ref, new Error(`${name}: no answer to ${frame.op}`));
        const timer = setTimeout(late, LIMIT_MS);
        pending.set(ref, (answer) => {
          clearTimeout(timer);
          if (answer instanceof Error) reject(answer);
          else resolve(answer);
        });
        send({ ...frame, ref });
      }),
    answer: (frame: Frame) => {
      const refused = () => new Error(`${name}: ${String(frame.code)}: ${String(frame.message)}`);
      settle(Number(frame.ref), frame.op === "error" ? refused() : frame);
    },
    end: (reason: string) => {
      for (const ref of [...pending.keys()]) settle(ref, new Error(`${name}: ${reason}`));
    },
  };
}

function orderCheck(name: string, onFault: (fault: string) => void): (room: string, seq: number) => void {
  const last = new Map<string, number>();
  return (room, seq) => {
    const due = (last.get(room) ?? seq - 1) + 1;
    if (seq !== due) onFault(`${name}: event ${seq} of ${room} came where ${due} was due`);
    last.set(room, seq);
  };
}

function messageTexts(events: Frame[]): string[] {
  return events
    .filter(({ type }) => type === "message")
    .map(({ data }) => String((data as { text: string }).text));
}
