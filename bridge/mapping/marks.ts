/**
 * How the bridge recognizes its own events: each has a mark in its content, with a proof that only Causeway can make, and
 * a transaction id. Both depend on the event's time in the log: after a restore of the database another event may have
 * the same seq, and gets another mark.
 *
 * Both are secret until they are sent. People sign in as their own ghosts, and the homeserver would drop a message of the
 * bridge if somebody had used its transaction id before.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { isPlain, type MatrixEvent } from "./matrix-events.ts";

/** The key of the mark in an event's content. */
export const MARK = "io.causeway.bridge";

/** Identifies one write of the bridge: the event of the log, and the form in which it is sent. */
export interface MarkedWrite {
  /** The room's token. */
  room: string;
  /** Grows each time the room's log is mirrored again from an earlier seq. */
  run: number;
  seq: number;
  op: string;
  rev: number;
  /** The event's time in the log, ms. */
  at: number;
  /** The Matrix id that sends it. */
  sender: string;
  /** The idempotency key that the sender's client gave a message. */
  id?: string | undefined;
}

/** Numbers within bigint, which JSON can go beyond. */
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Only values that the bridge itself writes: what is looked up by a forged mark must not fail in the database. */
const markSchema = z.object({
  room: z.string().regex(/^[\w-]{1,64}$/),
  seq: count,
  op: z.string().regex(/^(message|edit|redaction|reaction|unreaction|file:[1-9]\d{0,2})$/),
  rev: count,
  run: count.default(0),
  at: count.default(0),
  id: z.string().max(255).refine(isPlain).optional(),
  /** Missing in marks of old versions. */
  proof: z
    .string()
    .regex(/^[\w-]{1,100}$/)
    .optional(),
});

export type Mark = z.infer<typeof markSchema>;

/** Reads the mark of a content. It proves nothing until `isGenuine`: clients copy content, and people can make marks up. */
export function markOf(content: MatrixEvent["content"]): Mark | null {
  const parsed = markSchema.safeParse(content[MARK]);
  return parsed.success ? parsed.data : null;
}

export interface Marks {
  /** Repeating a write gives the same id. `part` tells several requests of one write apart. */
  transactionId(write: MarkedWrite, part?: string): string;
  /** The id of a request that belongs to no event of the log; `what` identifies it. */
  transactionIdOf(what: string): string;
  mark(write: MarkedWrite): Mark;
  /** Whether this Causeway made the mark, for an event of this sender. */
  isGenuine(mark: Mark, sender: string): boolean;
}

/** @param secret the database's secret, the same in every process */
export function createMarks(secret: string): Marks {
  const key = createHmac("sha256", secret).update("bridge marks").digest();
  const digest = (...fields: unknown[]) =>
    createHmac("sha256", key).update(JSON.stringify(fields)).digest("base64url");
  const place = ({ room, run, seq, op, rev, at }: Omit<MarkedWrite, "sender">) => [
    room,
    run,
    seq,
    op,
    rev,
    at,
  ];
  const proofOf = (write: MarkedWrite) => digest("mark", ...place(write), write.sender, write.id ?? null);

  return {
    transactionId: (write, part = "") => `cw.${digest("transaction", ...place(write), part)}`,
    transactionIdOf: (what) => `cw.${digest("other", what)}`,
    mark(write) {
      const { room, run, seq, op, rev, at, id } = write;
      return { room, run, seq, op, rev, at, ...(id !== undefined && { id }), proof: proofOf(write) };
    },
    isGenuine(mark, sender) {
      const given = Buffer.from(mark.proof ?? "");
      const wanted = Buffer.from(proofOf({ ...mark, sender }));
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    },
  };
}
