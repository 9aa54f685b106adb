/** The times when members last opened their rooms. One statement stores many. */
import type { MemberKey } from "../../domain/model.ts";
import { createBatches } from "../sql/batches.ts";
import type { Database } from "../sql/database.ts";
import { asDomainError, repeated } from "../sql/failures.ts";

export interface Openings {
  /** See `RoomLog.opened`. */
  opened(member: MemberKey, roomId: number): Promise<void>;
  drain(): Promise<void>;
}

interface Opening {
  member: MemberKey;
  roomId: number;
}

const MAX_BATCH_OPENINGS = 512;

export function createOpenings(
  db: Database,
  options: {
    maxQueued: number;
    /** A batch is tried again for so long while the database is away. Storing a time twice does no harm. */
    repeatMs: number;
  },
): Openings {
  const batches = createBatches<Opening, undefined>({
    lanes: 1,
    laneOf: () => 0,
    sizeOf: () => 0,
    maxInputs: MAX_BATCH_OPENINGS,
    maxBytes: Number.POSITIVE_INFINITY,
    maxQueued: options.maxQueued,
    async commit(openings) {
      await repeated(options.repeatMs, () => db.urgent(openingStatement(db, openings))).catch((error) => {
        throw asDomainError(error);
      });
      return openings.map(() => undefined);
    },
  });
  return {
    async opened(member, roomId) {
      if (!member.includes("\0")) await batches.add({ member, roomId });
    },
    drain: () => batches.drain(),
  };
}

/** Locks the members' rows in the order of their key, as the statements of sends and read markers do. */
function openingStatement(db: Database, openings: Opening[]) {
  const rooms = openings.map(({ roomId }) => roomId);
  const members = openings.map(({ member }) => member);
  return db.sql`
    with locked as materialized (
      select m.conversation_id, m.member
      from unnest(${rooms}::bigint[], ${members}::text[]) as i (room, member)
      join memberships m on m.conversation_id = i.room and m.member = i.member collate "C"
      order by m.conversation_id, m.member for no key update of m
    )
    update memberships m set last_opened_at = causeway_now()
    from (select distinct conversation_id, member from locked) l
    where m.conversation_id = l.conversation_id and m.member = l.member`;
}
