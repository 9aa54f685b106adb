/** The least that a server on uWebSockets.js can do: parse, number, publish to the topic, answer. */
import uWS from "uWebSockets.js";
import { accept, announce, readyFrame } from "./volatile-rooms.ts";

const app = uWS.App();

app.ws("/ws", {
  maxBackpressure: 64 * 1024 * 1024,
  message: (socket, bytes) => {
    const frame = JSON.parse(Buffer.from(bytes).toString()) as {
      op: string;
      ref: number;
      token: string;
    } & Parameters<typeof accept>[1];
    if (frame.op === "send") {
      const { ok, event } = accept(frame.ref, frame);
      socket.send(JSON.stringify(ok));
      app.publish(frame.room, JSON.stringify(event));
    } else if (frame.op === "hello") {
      const rooms = frame.token.split(",");
      for (const room of rooms) socket.subscribe(room);
      socket.send(JSON.stringify(readyFrame("uws", rooms)));
    } else socket.send(JSON.stringify({ op: "ok", ref: frame.ref, at: Date.now() }));
  },
});

app.listen("127.0.0.1", 0, (listening) => {
  if (listening) announce(uWS.us_socket_local_port(listening));
});
