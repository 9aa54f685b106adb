/** Reads an invitation of a ghost, with what the homeserver tells of a room that nobody of ours is in. */
import { z } from "zod";
import type { Ghosts } from "../../mapping/ghosts.ts";
import { readEvent } from "../../mapping/matrix-events.ts";
import { acceptedName } from "../../mapping/names.ts";
import type { Invitation } from "../../store/invitations.ts";

/** State of the room as the inviter's homeserver gives it: anybody can write anything into it. */
const strippedSchema = z.object({
  unsigned: z.object({
    invite_room_state: z
      .array(
        z.object({
          type: z.string(),
          state_key: z.string().catch(""),
          content: z.record(z.string(), z.unknown()).catch({}),
        }),
      )
      .catch([]),
  }),
});

/** @returns null for what is no invitation of a ghost by a person */
export function readInvitation(value: unknown, ghosts: Ghosts): Invitation | null {
  const event = readEvent(value);
  if (event?.type !== "m.room.member" || event.content.membership !== "invite") return null;
  const { event_id: eventId, room_id: matrixRoomId, sender, state_key: ghost = "" } = event;
  if (ghosts.read(ghost) === null || sender === ghosts.bot || sender === ghost) return null;
  // So the bot comes into a room that a user accepted.
  if (ghost === ghosts.bot && ghosts.read(sender) !== null) return null;
  const state = strippedSchema.safeParse(value).data?.unsigned.invite_room_state ?? [];
  const find = (type: string, key = "") =>
    state.find((one) => one.type === type && one.state_key === key)?.content;
  const name = find("m.room.member", sender)?.displayname;
  return {
    ...{ eventId, matrixRoomId, ghost, sender },
    senderName: (typeof name === "string" && acceptedName(name)) || acceptedName(sender),
    direct: event.content.is_direct === true && find("m.room.create")?.type === undefined,
    encrypted: find("m.room.encryption") !== undefined,
  };
}
