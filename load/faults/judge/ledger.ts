/** What was sent and what was acknowledged, as the senders know it. */

export interface SentMessage {
  sender: string;
  room: string;
  /** The sender's own id of the message. */
  id: string;
  /** No two messages of a run have the same. */
  text: string;
  /** Counts the messages of this sender in this room, from 0. */
  nth: number;
  ack: Ack | null;
  /** When the homeserver took what was written in Matrix, in milliseconds since the run began. */
  takenAt: number | null;
  /** The log was cut below it on purpose, by a restore or the promotion of a standby that lacked the tail. */
  fate: "kept" | "cut" | "open at a cut";
}

export interface Ack {
  seq: number;
  at: number;
  /** Milliseconds since the run began. */
  ackedAt: number;
}

export interface Ledger {
  readonly messages: readonly SentMessage[];
  sent(message: Pick<SentMessage, "sender" | "room" | "id" | "text">): SentMessage;
  acked(message: SentMessage, ack: Ack): void;
  /** A read marker of a person that the server confirmed. */
  read(sender: string, room: string, seq: number): void;
  readUpTo(sender: string, room: string): number;
  /**
   * The database went back on purpose to the state in which each room had this head. What was acknowledged beyond it is
   * gone, and what was on its way may stand in either history.
   */
  cut(heads: ReadonlyMap<string, number>, now: number): void;
}

/** What was written in Matrix so long before a cut is in the backup, too. */
const ON_ITS_WAY_MS = 120_000;

export function createLedger(): Ledger {
  const messages: SentMessage[] = [];
  const counts = new Map<string, number>();
  const markers = new Map<string, number>();
  const key = (sender: string, room: string) => `${sender} ${room}`;
  return {
    messages,
    sent: ({ sender, room, id, text }) => {
      const nth = counts.get(key(sender, room)) ?? 0;
      counts.set(key(sender, room), nth + 1);
      const message: SentMessage = { sender, room, id, text, nth, ack: null, takenAt: null, fate: "kept" };
      messages.push(message);
      return message;
    },
    acked: (message, ack) => {
      message.ack = ack;
    },
    read: (sender, room, seq) => {
      markers.set(key(sender, room), Math.max(seq, markers.get(key(sender, room)) ?? 0));
    },
    readUpTo: (sender, room) => markers.get(key(sender, room)) ?? 0,
    cut: (heads, now) => {
      // A marker below the head may be newer than the backup as well: none is known after a cut.
      markers.clear();
      for (const message of messages) {
        const isOld = message.takenAt !== null && now - message.takenAt > ON_ITS_WAY_MS;
        if (message.ack === null) message.fate = isOld ? message.fate : "open at a cut";
        else if (message.ack.seq > (heads.get(message.room) ?? 0)) message.fate = "cut";
      }
    },
  };
}
