/** Centrifugo's bidirectional protocol in JSON: several commands or replies, one a line, in each frame. */
import { stampOf } from "../measuring/stamp.ts";
import { type Dialect, emptyReading, READING } from "./dialect.ts";

interface Reply {
  id?: number;
  error?: { code: number; message: string };
  push?: { channel: string; pub?: { offset?: number; data: { text: string } } };
}

/** Number of the last command of a hello: its reply says that all subscriptions stand. */
const LAST = 1;
/** Smaller numbers than any that the generator gives to its sends. */
const CONNECT = 2;
const NEWLINE = 0x0a;
const PING_INTERVAL_MS = 25_000;

const reading = emptyReading();

export const centrifugo: Dialect = {
  path: "/connection/websocket",
  hello: ({ rooms }) =>
    [
      { id: CONNECT, connect: {} },
      ...rooms.map((channel, n) => ({
        id: n === rooms.length - 1 ? LAST : CONNECT + 1 + n,
        subscribe: { channel },
      })),
    ]
      .map((command) => JSON.stringify(command))
      .join("\n"),
  send: (ref, room, id, text) =>
    `{"id":${ref},"publish":{"channel":"${room}","data":{"id":"${id}","text":"${text}"}}}`,
  ping: () => null,
  read: (bytes, start, end, take) => {
    for (let line = start; line < end; ) {
      const found = bytes.indexOf(NEWLINE, line);
      const stop = found === -1 || found > end ? end : found;
      if (stop > line) {
        interpret(JSON.parse(bytes.toString("utf8", line, stop)) as Reply);
        take(reading);
      }
      line = stop + 1;
    }
  },
};

function interpret({ id, error, push }: Reply): void {
  reading.kind = READING.other;
  // An empty object is a ping, and is answered with the same.
  reading.reply = id === undefined && push === undefined ? "{}" : null;
  if (push?.pub) {
    reading.kind = READING.event;
    reading.room = push.channel;
    reading.seq = push.pub.offset ?? 0;
    reading.sentAt = stampOf(push.pub.data.text);
  } else if (error) {
    reading.kind = READING.refused;
    reading.ref = id ?? -1;
    reading.code = `${error.code} ${error.message}`;
  } else if (id === LAST) {
    reading.kind = READING.ready;
    reading.ready = { epoch: "", heartbeatMs: PING_INTERVAL_MS, rooms: [] };
  } else if (id !== undefined) {
    reading.kind = READING.answer;
    reading.ref = id;
    // The reply does not say the place in the channel.
    reading.seq = 0;
  }
}
