/** The same on Socket.IO over WebSocket; with a Redis URL as its argument, through its Redis adapter. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";
import { accept, announce, type PeerSend, readyFrame } from "./volatile-rooms.ts";

const [redisUrl] = process.argv.slice(2);
const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  ...(redisUrl !== undefined && { adapter: createAdapter(new Redis(redisUrl), new Redis(redisUrl)) }),
});

io.on("connection", async (socket) => {
  const { rooms } = socket.handshake.auth as { rooms: string[] };
  socket.on("send", (message: PeerSend, acknowledge: (answer: unknown) => void) => {
    const { ok, event } = accept(0, message);
    acknowledge(ok);
    io.to(message.room).emit("event", event);
  });
  await socket.join(rooms);
  socket.emit("ready", readyFrame("socket.io", rooms));
});

http.listen(0, "127.0.0.1", () => announce((http.address() as AddressInfo).port));
