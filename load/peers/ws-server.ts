/** The same on `ws`: a set of sockets for each room, and each event encoded once. */
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { accept, announce, readyFrame } from "./volatile-rooms.ts";

const subscribers = new Map<string, Set<WebSocket>>();
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, path: "/ws" });

server.on("connection", (socket) => {
  let rooms: string[] = [];
  socket.on("message", (bytes: Buffer) => {
    const frame = JSON.parse(bytes.toString()) as { op: string; ref: number; token: string } & Parameters<
      typeof accept
    >[1];
    if (frame.op === "send") {
      const { ok, event } = accept(frame.ref, frame);
      socket.send(JSON.stringify(ok));
      const encoded = Buffer.from(JSON.stringify(event));
      for (const member of subscribers.get(frame.room) ?? []) member.send(encoded, { binary: false });
    } else if (frame.op === "hello") {
      rooms = frame.token.split(",");
      for (const room of rooms) join(room, socket);
      socket.send(JSON.stringify(readyFrame("ws", rooms)));
    } else socket.send(JSON.stringify({ op: "ok", ref: frame.ref, at: Date.now() }));
  });
  socket.on("close", () => {
    for (const room of rooms) subscribers.get(room)?.delete(socket);
  });
});

function join(room: string, socket: WebSocket): void {
  const members = subscribers.get(room) ?? new Set();
  subscribers.set(room, members.add(socket));
}

server.once("listening", () => announce((server.address() as AddressInfo).port));
