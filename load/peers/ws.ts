import { NO_GUARANTEES, type Peer, startScript } from "./peer.ts";

export const ws: Peer = {
  name: "ws",
  guarantees: NO_GUARANTEES,
  start: () => startScript("ws", "causeway", "./ws-server.js"),
};
