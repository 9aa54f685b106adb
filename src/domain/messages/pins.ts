/** The pinned message of a room. There is at most one. */
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import type { MessagePlace } from "../ids.ts";
import { actorOf } from "../model.ts";
import type { NewEvent } from "../ports/store/transaction.ts";
import { changeRoom } from "../rooms/rooms.ts";
import { checkId } from "../text-rules.ts";
import type { Pins } from "../use-cases/messages.ts";

export function createPins(context: Context): Pins {
  const { store, accesses, broadcasts, bestEffort } = context;

  /** Those who hid the message count the pin by its event: their entry says that nothing is pinned for them. */
  async function tellHiders(place: MessagePlace): Promise<void> {
    await bestEffort("Telling who hid the message", async () => {
      for (const { member } of await store.messages.hiders([place])) {
        const { kind, id } = actorOf(member, "");
        if (kind === "user") broadcasts.entry(Number(id), place.roomId);
      }
    });
  }

  return {
    async pin(actor, room, seq) {
      checkId("seq", seq);
      const { roomId, membership } = await accesses.require(actor, room, "pin");
      const pinned = await changeRoom(context, actor, roomId, "pin", async (tx) => {
        const message = seq > membership.historyFrom ? await tx.messages.message({ roomId, seq }) : null;
        if (!message) {
          throw new DomainError("not_found", "seq names no message of this room that is still there", {
            field: "seq",
          });
        }
        const before = await tx.messages.pinned(roomId);
        if (before === seq) return null;
        await tx.messages.setPinned(roomId, seq);
        const events: NewEvent[] = [{ type: "message.pinned", actor, data: { seq } }];
        if (before !== null) events.unshift({ type: "message.unpinned", actor, data: { seq: before } });
        return (await tx.appendEvents(roomId, events)).at(-1) ?? null;
      });
      if (pinned) await tellHiders({ roomId, seq });
      return pinned;
    },
    async unpin(actor, room, only) {
      if (only !== undefined) checkId("seq", only);
      const { roomId } = await accesses.require(actor, room, "pin");
      return await changeRoom(context, actor, roomId, "pin", async (tx) => {
        const seq = await tx.messages.pinned(roomId);
        if (seq === null || (only ?? seq) !== seq) return null;
        await tx.messages.setPinned(roomId, null);
        const events: NewEvent[] = [{ type: "message.unpinned", actor, data: { seq } }];
        return (await tx.appendEvents(roomId, events)).at(-1) ?? null;
      });
    },
    async of(rooms) {
      const pinned = rooms.length === 0 ? [] : await store.messages.pinned(rooms.map(({ roomId }) => roomId));
      const places = new Map(pinned.map(({ roomId, seq }) => [roomId, seq]));
      const hiding = rooms.filter(({ membership }) => (membership?.hiddenNo ?? 0) > 0);
      const reader = hiding[0]?.membership?.member;
      if (reader !== undefined) {
        const ofReader = new Set(hiding.map(({ roomId }) => roomId));
        const shown = pinned.filter(({ roomId }) => ofReader.has(roomId));
        for (const { roomId } of await store.messages.hiddenOf(reader, shown)) places.delete(roomId);
      }
      return places;
    },
  };
}
