import { NO_GUARANTEES, type Peer, startScript } from "./peer.ts";

export const uws: Peer = {
  name: "raw uWebSockets.js",
  guarantees: NO_GUARANTEES,
  start: () => startScript("raw uWebSockets.js", "causeway", "./uws-server.js"),
};
