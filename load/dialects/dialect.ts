/**
 * What the generator says to a server and how it reads what comes back. Causeway and each peer have a dialect; all else
 * (connections, pacing, checking, timing) is shared, so that peers are measured by the same client.
 */

/** Kinds of readings. */
export const READING = {
  ready: 0,
  /** A request was done. */
  answer: 1,
  /** A request was refused. */
  refused: 2,
  event: 3,
  /** Something that measuring does not need, possibly with a reply to be sent. */
  other: 4,
} as const;

/** One reading, overwritten by the next: take what is needed before returning. Fields of other kinds are stale. */
export interface Reading {
  kind: (typeof READING)[keyof typeof READING];
  /** answer, refused: the request's number, or -1 when it had none. */
  ref: number;
  /** event */
  room: string;
  /** answer of a send, event: place in the room's log; 0 when the server has none. */
  seq: number;
  /** event: when it was meant to be sent, ms; NaN when it does not say. */
  sentAt: number;
  /** refused: the error's code. */
  code: string;
  /** ready */
  ready: Ready | null;
  /** other: what has to be sent back, such as the answer to a ping. */
  reply: string | null;
}

export interface Ready {
  epoch: string;
  heartbeatMs: number;
  /** Heads of the client's rooms; empty: every room starts at 0. */
  rooms: readonly { room: string; head: number; at?: number | null }[];
  resumed?: readonly Resumed[];
}
interface Resumed {
  room: string;
  recovered: boolean;
  from: number;
  head: number;
}

interface Hello {
  token: string;
  rooms: readonly string[];
  /** The last seq seen of each room, to resume; with the time of its event where that is known. */
  resume?: { epoch: string; rooms: Record<string, number | { seq: number; at: number }> };
}

export interface Dialect {
  path: string;
  protocol?: string;
  /** What a client says first. */
  hello(hello: Hello): string;
  /** `room`, `id` and `text` are plain ASCII without characters that JSON escapes. */
  send(ref: number, room: string, id: string, text: string): string;
  /** A heartbeat, or null where the server asks for it. */
  ping(ref: number): string | null;
  /** Calls back for everything that the frame `bytes[start..end)` says. */
  read(bytes: Buffer, start: number, end: number, take: (reading: Reading) => void): void;
}

export function emptyReading(): Reading {
  return {
    kind: READING.other,
    ref: -1,
    room: "",
    seq: 0,
    sentAt: Number.NaN,
    code: "",
    ready: null,
    reply: null,
  };
}
