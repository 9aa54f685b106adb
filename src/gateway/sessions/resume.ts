/** [GW-7.1] What a client that comes back is promised, room by room: every missing event, or plainly none. */

import type { AskedPlaces, SessionRoom } from "../../domain/ports/store/room-lists.ts";
import type { ClientFrames, HiddenNews, Place, ResumedRoom } from "../../protocol/frames.ts";

type Resume = NonNullable<ClientFrames["hello"]["resume"]>;

/**
 * Answers for every room that the client named.
 * - Another epoch is another history: its seqs say nothing here [GW-7.2].
 * - A seq from the future was never given out by this history [GW-7.3].
 * - Where the member may not see all that is missing (they left and came back), the gap would stay [GW-7.4].
 * - Where the log has no event of that time at the seq, it was cut there and grown anew [GW-7.6].
 */
export function judgeResume(resume: Resume, epoch: string, rooms: readonly SessionRoom[]): ResumedRoom[] {
  const byToken = new Map(rooms.map((room) => [room.token, room]));
  return Object.entries(resume.rooms).map(([room, place]) => {
    const mine = byToken.get(room);
    const head = mine?.head ?? 0;
    const last = seqOf(place);
    const isSeen = mine !== undefined && last <= head && last >= mine.historyFrom;
    const recovered = isSeen && resume.epoch === epoch && isInLog(place, mine);
    return { room, recovered, from: last + 1, head };
  });
}

/** [GW-13.9] Null where the user hid no message in these rooms. */
export function hiddenNews(rooms: readonly SessionRoom[]): HiddenNews | null {
  let no = 0;
  const told: [string, number[]][] = [];
  for (const { token, hiddenNo, hidden } of rooms) {
    if (hiddenNo > no) no = hiddenNo;
    if (hidden.length > 0) told.push([token, [...hidden]]);
  }
  return no === 0 ? null : { no, rooms: Object.fromEntries(told) };
}

/** The seqs whose events the client named by their time: the times in the log are read with the rooms. */
export function placesOf(resume: Resume | undefined): AskedPlaces {
  const rooms: string[] = [];
  const seqs: number[] = [];
  for (const [room, place] of Object.entries(resume?.rooms ?? {})) {
    if (typeof place === "number") continue;
    rooms.push(room);
    seqs.push(place.seq);
  }
  return { rooms, seqs };
}

function seqOf(place: Place): number {
  return typeof place === "number" ? place : place.seq;
}

/** Before the first event there is nothing that could be another, and its time is 0. */
function isInLog(place: Place, { head, at, askedAt }: SessionRoom): boolean {
  if (typeof place === "number") return true;
  if (place.seq === 0) return place.at === 0;
  return place.at === (place.seq === head ? at : askedAt);
}
