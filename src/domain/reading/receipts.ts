/** How far members have come: markers of delivery, and who has a message or has read it. */
import type { Access } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { dataOf } from "../event-data.ts";
import { type Actor, memberKey } from "../model.ts";
import type { DeliveredState } from "../ports/store/receipts.ts";
import { checkId } from "../text-rules.ts";
import type { Receipts } from "../use-cases/messages.ts";
import { createTellReceipt } from "./receipt-news.ts";

const MAX_ROOMS = 1_000;
/**
 * Moving a marker checks the membership itself. The cached access is used only for the room's id and the lobby: a member
 * who waits there moves a marker that tells nobody anything.
 */
const MARKER_ACCESS_MS = 60_000;

export function createReceipts(context: Context): Receipts {
  const { store, accesses } = context;
  const tellReceipt = createTellReceipt(context);

  function announce(actor: Actor, { roomId: id }: Access, token: string, state: DeliveredState): void {
    if (state.moved && !state.big) tellReceipt({ id, token }, actor, state);
  }

  return {
    async delivered(actor, places) {
      checkPlaces(places);
      const tokens = Object.keys(places);
      const found = await accesses.requireMany(actor, tokens, "read", MARKER_ACCESS_MS);
      const allowed = tokens.flatMap((token, i) => {
        const access = found[i];
        return access instanceof DomainError || !access ? [] : [{ token, access }];
      });
      const wanted = allowed.map(({ token, access }) => ({
        roomId: access.roomId,
        seq: places[token] as number,
      }));
      const states = await store.receipts.markDelivered(memberKey(actor), wanted);
      const refusals = new Map(tokens.map((token, i) => [token, found[i]]));
      allowed.forEach(({ token, access }, i) => {
        const state = states[i];
        if (!state) accesses.forget(memberKey(actor), token);
        if (state && state !== "past_head") announce(actor, access, token, state);
        else refusals.set(token, state ? pastHead() : noRoom());
      });
      for (const [token, refused] of refusals)
        if (refused instanceof DomainError) throw about(token, refused);
    },
    async of(actor, room, seq) {
      checkId("seq", seq);
      const { roomId, membership } = await accesses.require(actor, room, "read");
      const event = seq > membership.historyFrom ? await store.log.event(roomId, seq) : null;
      if (event?.type !== "message" || dataOf<"message">(event).deleted) throw noMessage();
      const { counts, markers } = await store.receipts.of(roomId, seq, {
        author: memberKey(event.actor),
        viewer: actor.kind === "user" ? Number(actor.id) : null,
      });
      const byTime = (kind: "read" | "delivered") =>
        markers
          ?.map((one) => ({ actor: one.actor, ...one[kind] }))
          .filter((one) => one.seq >= seq)
          .sort((a, b) => a.at - b.at) ?? null;
      return { counts, read: byTime("read"), delivered: byTime("delivered") };
    },
  };
}

function checkPlaces(places: Readonly<Record<string, number>>): void {
  const all = Object.entries(places);
  if (all.length > MAX_ROOMS) throw badField("rooms", `must name at most ${MAX_ROOMS} rooms`);
  for (const [token, seq] of all) {
    if (!Number.isSafeInteger(seq) || seq < 0)
      throw badField(`rooms.${token}`, "must be an integer of at least 0");
  }
}

function pastHead(): DomainError {
  return new DomainError("bad_request", "A marker must not be past the room's last event");
}

function noRoom(): DomainError {
  return new DomainError("not_found", "There is no such room, or you are not in it");
}

function noMessage(): DomainError {
  return new DomainError("not_found", "There is no such message, or you can't see it", { field: "seq" });
}

function about(token: string, { code, message }: DomainError): DomainError {
  return new DomainError(code, message, { field: `rooms.${token}` });
}
