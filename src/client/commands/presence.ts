/** Signs of life, and what the devices in a call say to each other. */
import type { Command } from "./command.ts";

export interface PresenceCommands {
  /** Tells the server that we look at the open rooms, or at those named. The client pings by itself to stay connected. */
  ping: Command<"ping">;
  /**
   * Says something to a session in the call that we are in, as WebRTC's offers, answers and candidates: `to` is the `session` of
   * one of the participants that the event `call` shows, and `data` has at most 16 KiB as JSON. It comes there as the event
   * `signal`, at most once.
   */
  callSignal: Command<"call.signal">;
  /** STUN and TURN servers: `new RTCPeerConnection({ iceServers: servers })`. The credentials end at `until`. */
  callServers: Command<"call.servers">;
}
