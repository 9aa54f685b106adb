/** [GW-7.1] What a client that comes back is promised, room by room: every missing event, or plainly none. */
import type { RoomListing } from "../domain/ports/store.ts";
import type { ClientFrames, ResumedRoom } from "../protocol/frames.ts";

type Resume = NonNullable<ClientFrames["hello"]["resume"]>;

/**
 * Answers for every room that the client named.
 * - Another epoch is another history: its seqs say nothing here [GW-7.2].
 * - A seq from the future was never given out by this history [GW-7.3].
 * - Where the member may not see all that is missing (they left and came back), the gap would stay [GW-7.4].
 */
export function judgeResume(resume: Resume, epoch: string, listings: readonly RoomListing[]): ResumedRoom[] {
  const byToken = new Map(listings.map((listing) => [listing.conversation.token, listing]));
  return Object.entries(resume.rooms).map(([room, last]) => {
    const listing = byToken.get(room);
    const head = listing?.head.head ?? 0;
    const recovered =
      listing !== undefined &&
      resume.epoch === epoch &&
      last <= head &&
      last >= listing.membership.historyFrom;
    return { room, recovered, from: last + 1, head };
  });
}
