/** What people said and did on either side of the bridge, as those who did it know: what has to be found in the end. */

export type Side = "chat" | "matrix";

/** `exact`: both sides show the same words. `loose`: each side has words of its own, with the token among them. */
export type Wording = "exact" | "loose";

/** A message that somebody sent. */
export interface Said {
  /** `m17`: in its text, and in the names of its files. No two messages have the same. */
  readonly token: string;
  readonly room: string;
  /** Key of the person: `u12`, or a Matrix user id. */
  readonly by: string;
  readonly side: Side;
  /** What was sent: `text`, `late file`. */
  readonly what: string;
  readonly wording: Wording;
  /** It is the beginning of no thread, as an answer in one. */
  readonly inThread: boolean;
  /** Its side took it. What was refused is on neither side. */
  isTaken: boolean;
  /** Where it is, as soon as that is known on that side. */
  seq: number | null;
  eventId: string | null;
  /** What it may say in the end: its text, or the last edit of each side. */
  readonly texts: Map<Side | "first", string>;
  isDeleted: boolean;
  /** `person key` → whether the person has reacted with it. */
  readonly reactions: Map<string, boolean>;
}

export type Place = { seq: number } | { eventId: string };

export interface Book {
  readonly said: readonly Said[];
  byToken(token: string): Said | undefined;
  /** Before it is sent, since others may see it before its sender has the answer. */
  add(said: Pick<Said, "room" | "by" | "side" | "what" | "wording" | "inThread">): Said;
  /** Somebody saw it at its place on one of the sides. */
  seen(token: string, place: Place): void;
  /** Lines that stand in the chat for what it has no kind of, by `room sign`. */
  readonly lines: Map<string, number>;
  /** What people still do after their operation was done: files that come late. */
  readonly later: Promise<unknown>[];
}

const TOKEN = /\bm\d+\b/;

/** The token in a text; null without. */
export function tokenIn(text: string): string | null {
  return TOKEN.exec(text)?.[0] ?? null;
}

export function createBook(): Book {
  const said: Said[] = [];
  const byToken = new Map<string, Said>();
  return {
    said,
    lines: new Map(),
    later: [],
    byToken: (token) => byToken.get(token),
    add: (one) => {
      const added: Said = {
        ...{ ...one, token: `m${said.length}`, isTaken: false, seq: null, eventId: null },
        ...{ texts: new Map(), isDeleted: false, reactions: new Map() },
      };
      said.push(added);
      byToken.set(added.token, added);
      return added;
    },
    seen: (token, place) => {
      const one = byToken.get(token);
      if (one) Object.assign(one, place);
    },
  };
}
