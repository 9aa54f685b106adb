/** Announces what decayed in hot state: typing, presence, and participants of calls. */

import type { Context } from "../context/context.ts";
import type { TellPresence } from "../context/presence-news.ts";
import { actorOf } from "../model.ts";
import type { NamedRoom } from "../ports/broadcasts.ts";
import type { Decay } from "../use-cases/live.ts";
import { unlessAway } from "./presence.ts";

export function createDecay({ store, hot, broadcasts, now }: Context, tellPresence: TellPresence): Decay {
  /** By id: the rooms that were not deleted. */
  async function roomsOf(ids: readonly number[]): Promise<Map<number, NamedRoom>> {
    const tokens = await store.rooms.tokens([...new Set(ids)]);
    return new Map([...tokens].map(([id, token]) => [id, { id, token }]));
  }

  return {
    typing: () =>
      unlessAway(undefined, async () => {
        const ended = await hot.typing.sweep(now());
        const rooms = await roomsOf(ended.map(({ roomId }) => roomId));
        for (const { roomId, member, name } of ended) {
          const room = rooms.get(roomId);
          if (room) broadcasts.typing(room, actorOf(member, name), false);
        }
      }),
    presence: () =>
      unlessAway(undefined, async () => {
        const gone = await hot.presence.sweep(now());
        const rooms = await roomsOf(gone.map(({ roomId }) => roomId));
        for (const { roomId, member, name, lastPing } of gone) {
          const room = rooms.get(roomId);
          if (room) tellPresence(room, actorOf(member, name), lastPing, true);
        }
      }),
    calls: () =>
      unlessAway(undefined, async () => {
        const rooms = await roomsOf(await hot.calls.sweep(now()));
        for (const room of rooms.values()) broadcasts.call(room, await hot.calls.get(room.id));
      }),
  };
}
