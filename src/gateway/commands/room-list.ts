/** The list of rooms in pages, and a member's own settings in it [GW-15]. */
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { EntryShape } from "../frames/room-entry.ts";
import type { Handlers } from "./handlers.ts";

export type RoomListCommands = Handlers<"rooms" | "settings">;

const LEVELS = { all: "always", mentions: "mention", none: "never" } as const;

export function createRoomListCommands(
  { roomEntries, memberSettings }: Pick<UseCases, "roomEntries" | "memberSettings">,
  entries: EntryShape,
): RoomListCommands {
  return {
    async rooms({ identity }, { after, limit, archived }) {
      const page = await roomEntries.page(identity.actor, { after, limit, archived });
      const rooms = page.entries.map(entries.shape);
      return page.more ? { rooms, more: true } : { rooms };
    },

    async settings({ identity }, { op, ref, room, favorite, notify, ...settings }) {
      const patch = {
        ...settings,
        ...(favorite !== undefined && { favourite: favorite }),
        ...(notify !== undefined && { notificationLevel: LEVELS[notify] }),
      };
      await memberSettings.change(identity.actor, room, patch);
      return { room: await entries.of(identity.actor, room) };
    },
  };
}
