/** Socket.IO 4 over WebSocket: engine.io packets (`0` open, `2` ping, `4` message) around Causeway's frames as arguments. */
import type { ServerFrame } from "../../src/protocol/frames.ts";
import { interpret } from "./causeway.ts";
import { type Dialect, emptyReading, READING } from "./dialect.ts";

const PING = "2";
const PONG = "3";
/** A message packet that holds an event (`42`) or an acknowledgement (`43`), its number, and its arguments. */
const MESSAGE = /^4[23](\d*)\[/;

const reading = emptyReading();

export const socketIo: Dialect = {
  path: "/socket.io/?EIO=4&transport=websocket",
  hello: ({ token, rooms }) => `40${JSON.stringify({ token, rooms })}`,
  send: (ref, room, id, text) => `42${ref}["send",{"room":"${room}","id":"${id}","text":"${text}"}]`,
  ping: () => null,
  read: (bytes, start, end, take) => {
    const packet = bytes.toString("utf8", start, end);
    const message = MESSAGE.exec(packet);
    if (message) {
      const args = JSON.parse(packet.slice(message[0].length - 1)) as unknown[];
      interpret(args.at(-1) as ServerFrame, reading);
      if (packet[1] === "3") reading.ref = Number(message[1]);
    } else {
      reading.kind = READING.other;
      reading.reply = packet === PING ? PONG : null;
    }
    take(reading);
  },
};
