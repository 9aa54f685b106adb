/** A member's rooms for the start of a session, and single ones. */
import type { MemberKey } from "../../domain/model.ts";
import type { AskedPlaces, RoomLists, SessionRoom } from "../../domain/ports/store/room-lists.ts";
import { byKey, createBatchLoader } from "../sql/batch-loader.ts";
import type { Database } from "../sql/database.ts";
import { createRoomParts, type RoomParts } from "./room-parts.ts";
import { allMemberships, askedFor, singleMemberships } from "./session-memberships.ts";
import { type OwnRow, ownRows, roomPart, sessionRoom, wholeRows } from "./session-room-rows.ts";

interface Wanted {
  member: MemberKey;
  asked: AskedPlaces;
  most: number | null;
  hiddenAfter: number | null;
}
interface WantedRoom {
  member: MemberKey;
  roomId: number;
}

/** Members of one statement. A member may be in hundreds of rooms. */
const MAX_MEMBERS = 32;
/** So many members in one statement are a crowd: many of them are in the same rooms, or others of the crowd were. */
const CROWD = 8;
/** Single rooms of one statement. */
const MAX_ROOMS = 500;
/** Statements under way at once. */
const MAX_STATEMENTS = 2;
const NO_PLACES: AskedPlaces = { rooms: [], seqs: [] };

/** See `RoomLists`. */
export function createSessionRooms(db: Database): Pick<RoomLists, "sessionRooms" | "sessionRoom"> {
  const parts = createRoomParts(db);
  const roomsOf = createBatchLoader<Wanted, SessionRoom[]>({
    ...{ maxStatements: MAX_STATEMENTS, maxKeys: MAX_MEMBERS },
    read: (wanted) => (wanted.length < CROWD ? wholeRooms(db, wanted) : crowdsRooms(db, parts, wanted)),
  });
  const room = createBatchLoader<WantedRoom, SessionRoom | null>({
    ...{ maxStatements: MAX_STATEMENTS, maxKeys: MAX_ROOMS },
    read: (wanted) => singleRooms(db, wanted),
  });
  return {
    sessionRooms: (member, { asked = NO_PLACES, most, hiddenAfter } = {}) =>
      roomsOf({ member, asked, most: most ?? null, hiddenAfter: hiddenAfter ?? null }),
    sessionRoom: (member, roomId) => room({ member, roomId }),
  };
}

async function wholeRooms(db: Database, wanted: Wanted[]): Promise<SessionRoom[][]> {
  const rows = await wholeRows(db, askedFor(wanted, allMemberships(db, wanted)));
  return ofEach(wanted, rows, (row) => sessionRoom(row, roomPart(row)));
}

/**
 * Reads what is each member's own, and the parts of rooms that are not known. Read anew are members with a room that changed
 * meanwhile, and those to whom a room shows another last or pinned message than to others, because they hid some.
 */
async function crowdsRooms(db: Database, parts: RoomParts, wanted: Wanted[]): Promise<SessionRoom[][]> {
  const rows = await ownRows(db, askedFor(wanted, allMemberships(db, wanted)));
  const found = await parts.of(rows);
  const apart = new Set<number>();
  const rooms = new Map<OwnRow, SessionRoom>();
  rows.forEach((row, n) => {
    const part = row.apart ? null : found[n];
    if (part) rooms.set(row, sessionRoom(row, part));
    else apart.add(row.ord);
  });
  const all = ofEach(wanted, rows, (row) => rooms.get(row) as SessionRoom);
  if (apart.size === 0) return all;
  const again = await wholeRooms(
    db,
    [...apart].map((ord) => wanted[ord - 1] as Wanted),
  );
  [...apart].forEach((ord, n) => {
    all[ord - 1] = again[n] as SessionRoom[];
  });
  return all;
}

async function singleRooms(db: Database, wanted: WantedRoom[]): Promise<(SessionRoom | null)[]> {
  const asked = askedFor([], singleMemberships(db, wanted));
  const rows = await wholeRows(db, asked);
  const found = new Map(rows.map((row) => [row.ord, sessionRoom(row, roomPart(row))]));
  return wanted.map((_, n) => found.get(n + 1) ?? null);
}

function ofEach<R extends OwnRow>(
  wanted: Wanted[],
  rows: readonly R[],
  roomOf: (row: R) => SessionRoom,
): SessionRoom[][] {
  return byKey(
    wanted,
    rows,
    ({ ord }) => wanted[ord - 1] as Wanted,
    (own) => own.map(roomOf),
  );
}
