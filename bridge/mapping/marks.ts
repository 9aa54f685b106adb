/**
 * What tells the bridge's own writes apart: a mark in the content, with a proof that only Causeway can make, and the
 * transaction id. Both hold the time of the event in the log, so that another history (after a restore, or when a
 * replica without the end was promoted) has others under the same seq.
 *
 * Nobody can guess them: people sign in as their own ghosts, on any device, and whoever took a transaction id before the
 * bridge does would make its message disappear.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { MatrixEvent } from "./matrix-events.ts";

/** Where the mark is in an event's content. */
export const MARK = "io.causeway.bridge";

/** One write of the bridge: which event of the log it carries over, and how. */
export interface MarkedWrite {
  /** The room's token. */
  room: string;
  /** Counts how often the room's log was carried over from an earlier place. */
  run: number;
  seq: number;
  op: string;
  rev: number;
  /** The event's time in the log, ms. */
  at: number;
  /** The Matrix id that sends it. */
  sender: string;
  /** Of a message the id that its sender's client gave it. */
  id?: string | undefined;
}

const markSchema = z.object({
  room: z.string(),
  seq: z.number().int(),
  op: z.string(),
  rev: z.number().int(),
  run: z.number().int().default(0),
  at: z.number().int().default(0),
  id: z.string().optional(),
  /** Missing in marks of former versions. */
  proof: z.string().optional(),
});

export type Mark = z.infer<typeof markSchema>;

/** A mark proves nothing by itself: clients copy content, and people can write anything. */
export function markOf(content: MatrixEvent["content"]): Mark | null {
  const parsed = markSchema.safeParse(content[MARK]);
  return parsed.success ? parsed.data : null;
}

export interface Marks {
  /** A pure function of what is sent: whoever repeats a write repeats its id. `part` tells several requests of it apart. */
  transactionId(write: MarkedWrite, part?: string): string;
  /** The same for what is no event of the log; `what` names it uniquely. */
  transactionIdOf(what: string): string;
  mark(write: MarkedWrite): Mark;
  /** Whether Causeway made this mark, for an event of this sender. */
  isGenuine(mark: Mark, sender: string): boolean;
}

/** @param secret the database's own; every process derives the same from it */
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
