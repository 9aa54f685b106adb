/**
 * What the peers' servers have in common: Causeway's frames, and rooms that count their messages in memory and forget
 * them. Only how a message reaches its subscribers differs between them.
 */
import type { EventFrame, OkFrame, ReadyFrame } from "../../src/protocol/frames.ts";

export interface PeerSend {
  room: string;
  id: string;
  text: string;
}

const HEARTBEAT_MS = 25_000;
const heads = new Map<string, number>();

export function readyFrame(
  user: string,
  rooms: readonly string[],
): Pick<ReadyFrame, "op" | "ref" | "epoch" | "heartbeatMs"> & {
  rooms: { room: string; head: number }[];
} {
  const stand = rooms.map((room) => ({ room, head: heads.get(room) ?? 0 }));
  return { op: "ready", ref: 0, epoch: user, heartbeatMs: HEARTBEAT_MS, rooms: stand };
}

/** Takes a message: what to answer its sender, and what to tell the room. */
export function accept(
  ref: number,
  { room, id, text }: PeerSend,
): { ok: OkFrame<"send">; event: EventFrame } {
  const seq = (heads.get(room) ?? 0) + 1;
  heads.set(room, seq);
  const at = Date.now();
  const actor = { kind: "user", id: "1", name: "Load" } as const;
  return {
    ok: { op: "ok", ref, room, seq, at },
    event: { op: "event", room, seq, type: "message", id, actor, at, data: { text } },
  };
}

/** Tells whoever started the server where it is, and ends when told to. */
export function announce(port: number): void {
  process.stdout.write(`peer ready http://127.0.0.1:${port}\n`);
  process.once("SIGTERM", () => process.exit());
}
