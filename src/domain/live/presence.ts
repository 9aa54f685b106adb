/**
 * Presence (who has a room open) and typing, by session. Both are hot state only and decay without a refresh. A change for a
 * member is announced to those who have the room open.
 */
import type { Context } from "../context/context.ts";
import type { TellPresence } from "../context/presence-news.ts";
import { DomainError } from "../errors.ts";
import { type Actor, actorOf, memberKey } from "../model.ts";
import { JOINED_MS } from "../rooms/views.ts";
import type { PresenceUseCases, RoomNow } from "../use-cases/live.ts";

/** How long a member is shown as typing after the last report. */
export const TYPING_TTL_MS = 8_000;
/** Maximum age of the cached access for typing: a removed member stops being shown within this time. */
const TYPING_ACCESS_MS = 5_000;
/** The most present and the most typing members that are listed when a room is opened. */
const MAX_SHOWN = 500;

export function createPresence(context: Context, tellPresence: TellPresence): PresenceUseCases {
  const { hot, accesses, broadcasts, now } = context;
  const readersOf = createReadersOf(context);
  return {
    async ping(actor, rooms, session) {
      const at = now();
      const ids = rooms.map(({ id }) => id);
      const ping = () => hot.presence.ping(memberKey(actor), session, actor.name, ids, at);
      const fresh = new Set(await unlessAway([], ping));
      for (const room of rooms) if (fresh.has(room.id)) tellPresence(room, actor, at);
    },
    async close(actor, rooms, session) {
      const at = now();
      const ids = rooms.map(({ id }) => id);
      const gone = new Set(
        await unlessAway([], () => hot.presence.leave(memberKey(actor), session, ids, at)),
      );
      for (const room of rooms) if (gone.has(room.id)) tellPresence(room, actor, at, true);
      return [...gone];
    },
    async typing(actor, token, on, session) {
      const { roomId: id } = await accesses.require(actor, token, "type", TYPING_ACCESS_MS);
      const typist = { member: memberKey(actor), session, name: actor.name };
      const changed = await unlessAway(false, () => hot.typing.set(id, typist, on, now(), TYPING_TTL_MS));
      if (changed) broadcasts.typing({ id, token }, actor, on);
    },
    async stopTyping(actor, rooms, session) {
      const typist = { member: memberKey(actor), session, name: actor.name };
      const stop = (id: number) =>
        unlessAway(false, () => hot.typing.set(id, typist, false, now(), TYPING_TTL_MS));
      const stopped = await Promise.all(rooms.map(({ id }) => stop(id)));
      rooms.forEach((room, i) => {
        if (stopped[i]) broadcasts.typing(room, actor, false);
      });
    },
    async looking({ id }) {
      const active = await unlessAway([], () => hot.presence.active(id, now(), JOINED_MS));
      return active.map(({ member, name }) => actorOf(member, name));
    },
    async look({ id }, viewer): Promise<RoomNow> {
      const [active, typing, call, reads] = await Promise.all([
        unlessAway([], () => hot.presence.active(id, now(), JOINED_MS)),
        unlessAway([], () => hot.typing.get(id, now())),
        unlessAway(null, () => hot.calls.get(id)),
        unlessAway([], () => readersOf(id, viewer)),
      ]);
      const latest = active.sort((a, b) => b.lastPing - a.lastPing).slice(0, MAX_SHOWN);
      return {
        present: latest.map(({ member, name }) => actorOf(member, name)),
        typing: typing.slice(0, MAX_SHOWN).map(({ member, name }) => actorOf(member, name)),
        call: call && call.flags > 0 ? call : null,
        reads,
      };
    },
  };
}

/** How far members have read who tell `viewer`. Most tell everybody: then nothing more is asked. */
function createReadersOf({ store }: Pick<Context, "store">) {
  return async (roomId: number, viewer: Actor): Promise<RoomNow["reads"]> => {
    const readers = await store.memberships.readers(roomId);
    const asked = readers.filter(({ audience, actor }) => audience === "contacts" && actor.kind === "user");
    const ids = asked.map(({ actor }) => Number(actor.id));
    const telling = new Set(
      ids.length === 0 || viewer.kind !== "user"
        ? []
        : await store.people.telling("receipts", Number(viewer.id), ids),
    );
    const own = memberKey(viewer);
    return readers
      .filter(
        ({ actor, audience }) =>
          audience === "everybody" || memberKey(actor) === own || telling.has(Number(actor.id)),
      )
      .map(({ actor, seq }) => ({ actor, seq }));
  };
}

export async function unlessAway<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DomainError && error.code === "unavailable") return otherwise;
    throw error;
  }
}
