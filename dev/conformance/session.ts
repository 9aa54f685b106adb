/** Scripted sessions: what a server says, and what a client has to say and show. test/conformance/README.md describes the files. */

export type Fields = Record<string, unknown>;

export type Step =
  /** The client connects. */
  | { connects: true }
  /** The client's next frame, `ping` apart, has these fields. `$name` stands for any value, and later for the same. */
  | { hears: Fields }
  /** The server says `ready` with the session's rooms, and with these fields. */
  | { ready: Fields }
  /** The server answers the last frame, or the one whose `ref` is named. */
  | { ok: Fields }
  | { error: Fields }
  /** The server says an event by Bob. */
  | { event: Fields }
  /** The server says this frame, or sends this text. */
  | { says: Fields | string }
  /** The app asks its client to do this. */
  | { does: Fields }
  /** The client's next line has these fields. */
  | { shows: Fields }
  /** The server is gone without a word, or closes with a code. */
  | { cut: true }
  | { closes: number }
  /** Goes on with the steps whose first is what happens next. */
  | { either: Step[][] };

export interface Session {
  /** What the client shows that it can. */
  about: string;
  /** Ids of the rules in PROTOCOL.md. */
  rules: string[];
  /** The rooms of the user, with the last seq of each. */
  rooms: Record<string, number>;
  steps: Step[];
  /** Ops that the server answers at any time, with the fields of the answer: they are no steps. */
  answers?: Record<string, Fields>;
}

/** Values that `$name` stands for. */
export type Names = Map<string, unknown>;

/**
 * Whether a value has everything that is expected; lists have the same length. Names that are met first are remembered.
 * `{"$place": 7}` is how far a client came, in either form.
 */
export function matches(expected: unknown, found: unknown, names: Names): boolean {
  if (typeof expected === "string" && expected.startsWith("$")) {
    if (found === undefined) return false;
    if (!names.has(expected)) names.set(expected, found);
    return names.get(expected) === found;
  }
  if (Array.isArray(expected)) {
    const isList = Array.isArray(found) && found.length === expected.length;
    return isList && expected.every((item, n) => matches(item, found[n], names));
  }
  if (typeof expected !== "object" || expected === null) return expected === found;
  if ("$place" in expected) return isPlace(Number(expected.$place), found);
  if (typeof found !== "object" || found === null) return false;
  return Object.entries(expected).every(([key, value]) => matches(value, (found as Fields)[key], names));
}

/** [GW-7.6] How far a client came in a room: a seq, or with the time of the event at it. */
function isPlace(seq: number, found: unknown): boolean {
  if (typeof found !== "object" || found === null) return found === seq;
  const place = found as Fields;
  return place.seq === seq && place.at === timeAt(seq);
}

const BOB = { kind: "user", id: "43", name: "Bob" };

/** The event of a room's log at a seq. Its time is 1,000,000 and the seq. */
export function eventFrame({ room, seq, ...more }: Fields): Fields {
  const { type = "message", text, data = { text }, ...others } = more;
  return { op: "event", room, seq, type, actor: BOB, at: timeAt(Number(seq)), data, ...others };
}

/** An answer with `{"$event": …}` in its lists as whole frames. */
export function withEvents(answer: Fields): Fields {
  const whole = (item: unknown) => {
    const event = (item as { $event?: Fields } | null)?.$event;
    return event ? eventFrame(event) : item;
  };
  return Object.fromEntries(
    Object.entries(answer).map(([key, value]) => [key, Array.isArray(value) ? value.map(whole) : value]),
  );
}

/** @param said fields beside those that every `ready` has; `heads` are the rooms' last seqs where they have moved */
export function readyFrame(rooms: Session["rooms"], ref: unknown, said: Fields): Fields {
  const { heads = {}, ...more } = said as { heads?: Session["rooms"] };
  const figures = { read: 0, unread: 0, mention: 0, last: null, lastPing: 0, call: 0 };
  return {
    ...{ op: "ready", ref, session: "session", epoch: "epoch", heartbeatMs: 25_000 },
    user: { id: "42", uuid: "9a4a8f0c-9a53-4b5e-8a3e-3c8f5c1f5b42", handle: "ada", name: "Ada" },
    rooms: Object.entries({ ...rooms, ...heads }).map(([room, head]) => ({
      ...{ room, name: `Room ${room}`, type: "group", role: "user", head, at: timeAt(head) },
      ...figures,
    })),
    ...more,
  };
}

function timeAt(seq: number): number {
  return seq === 0 ? 0 : 1_000_000 + seq;
}
