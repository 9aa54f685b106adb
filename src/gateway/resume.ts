/** [GW-7.1] What a client that comes back is promised, room by room: every missing event, or plainly none. */
import type { SessionRoom } from "../domain/ports/store.ts";
import type { ClientFrames, ResumedRoom } from "../protocol/frames.ts";

type Resume = NonNullable<ClientFrames["hello"]["resume"]>;

/**
 * Answers for every room that the client named.
 * - Another epoch is another history: its seqs say nothing here [GW-7.2].
 * - A seq from the future was never given out by this history [GW-7.3].
 * - Where the member may not see all that is missing (they left and came back), the gap would stay [GW-7.4].
 */
export function judgeResume(resume: Resume, epoch: string, rooms: readonly SessionRoom[]): ResumedRoom[] {
  const byToken = new Map(rooms.map((room) => [room.token, room]));
  return Object.entries(resume.rooms).map(([room, last]) => {
    const mine = byToken.get(room);
    const head = mine?.head ?? 0;
    const recovered =
      mine !== undefined && resume.epoch === epoch && last <= head && last >= mine.historyFrom;
    return { room, recovered, from: last + 1, head };
  });
}
