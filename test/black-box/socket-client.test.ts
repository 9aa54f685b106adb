/** The tests' own client has to notice what the tests are about; a scripted server shows it every kind of fault. */
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { SocketClient } from "./socket-client.ts";

const ROOM = "roomroom";
const servers: WebSocketServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Answers each hello with `ready` and then these events; `resumed` says what it claims to have recovered. */
async function scripted(seqs: readonly number[], resumed?: object[]): Promise<SocketClient> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  servers.push(server);
  await once(server, "listening");
  server.on("connection", (socket: WebSocket) => {
    socket.on("message", (data: Buffer) => {
      const { ref, resume } = JSON.parse(data.toString()) as { ref: number; resume?: object };
      const rooms = [{ room: ROOM, name: "Room", head: 10 }];
      socket.send(JSON.stringify({ op: "ready", ref, epoch: "e", rooms, ...(resume && { resumed }) }));
      for (const seq of resume ? [] : seqs) {
        socket.send(JSON.stringify({ op: "event", room: ROOM, seq, type: "message", data: {} }));
      }
    });
  });
  const { port } = server.address() as { port: number };
  const client = new SocketClient("c", "token", "json");
  await client.connect(`http://127.0.0.1:${port}`);
  await client.until("every event", () => client.log(ROOM).length === seqs.length);
  if (resumed) {
    await client.drop();
    await client.connect(`http://127.0.0.1:${port}`);
  }
  return client;
}

test.each([
  { what: "a whole log", seqs: [11, 12, 13], faults: 0 },
  { what: "a gap", seqs: [11, 13], faults: 1 },
  { what: "a double", seqs: [11, 11], faults: 1 },
  { what: "disorder", seqs: [12, 11], faults: 2 },
  { what: "a gap before the first", seqs: [12], faults: 1 },
])("$what is $faults faults", async ({ seqs, faults }) => {
  expect((await scripted(seqs)).faults).toHaveLength(faults);
});

test.each([
  { what: "proof", resumed: [{ room: ROOM, recovered: true, from: 12, head: 11 }], faults: 0 },
  { what: "no recovery", resumed: [{ room: ROOM, recovered: false, from: 12, head: 11 }], faults: 1 },
  { what: "a wrong start", resumed: [{ room: ROOM, recovered: true, from: 13, head: 13 }], faults: 1 },
  { what: "silence about a room", resumed: [], faults: 1 },
])("a resume answered with $what is $faults faults", async ({ resumed, faults }) => {
  expect((await scripted([11], resumed)).faults).toHaveLength(faults);
});
