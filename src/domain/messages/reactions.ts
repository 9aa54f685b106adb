/** Reactions: each belongs to one member. Each change is one event. */
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import type { MessagePlace } from "../ids.ts";
import { type Actor, type MadeEvent, memberKey, SYSTEM_ACTOR } from "../model.ts";
import type { StoredReaction } from "../ports/store/messages.ts";
import type { NewEvent, StoreTransaction } from "../ports/store/transaction.ts";
import { changeRoom } from "../rooms/rooms.ts";
import { checkId, checkVisible, checkWellFormed, codePoints, reactionName } from "../text-rules.ts";
import type { Reactions } from "../use-cases/messages.ts";
import { groupReactions } from "./message-views.ts";

const NAME_CODE_POINTS = 64;
const MAX_OF_A_MEMBER = 20;
const MAX_OF_A_MESSAGE = 1_000;

/** A member's reactions to a message after a change, by those before it. */
type Wanted = (own: readonly string[]) => readonly string[];

export function createReactions(context: Context): Reactions {
  const { store, accesses } = context;

  /** Changes the actor's reactions to a message, where they may react to it. */
  async function change(actor: Actor, room: string, seq: number, wanted: Wanted): Promise<MadeEvent> {
    checkId("seq", seq);
    const { roomId, membership } = await accesses.require(actor, room, "react");
    if (seq <= membership.historyFrom) throw noSuchMessage();
    const place = { roomId, seq };
    return await changeRoom(context, actor, roomId, "react", async (tx) => {
      if (!(await tx.messages.message(place))) throw noSuchMessage();
      return await replace(tx, actor, place, wanted);
    });
  }

  return {
    add: (actor, room, seq, name) => change(actor, room, seq, (own) => [...own, checkReaction(name)]),
    remove: (actor, room, seq, name) => change(actor, room, seq, without(name)),
    async takenBack(maker, room, seq, name) {
      const roomId = (await store.rooms.byToken(room))?.id;
      if (roomId === undefined) return null;
      const place = { roomId, seq };
      return await changeRoom(context, SYSTEM_ACTOR, roomId, "react", async (tx) =>
        (await tx.messages.message(place)) ? await replace(tx, maker, place, without(name)) : null,
      );
    },
    set: (actor, room, seq, names) => change(actor, room, seq, () => names.map(checkReaction)),
    async list(actor, room, seq) {
      checkId("seq", seq);
      const { roomId, membership } = await accesses.require(actor, room, "read");
      const [event] = seq > membership.historyFrom ? await store.messages.at([{ roomId, seq }]) : [];
      if (event?.type !== "message") throw noSuchMessage();
      const [details] = await store.messages.details([event]);
      return groupReactions(details?.reactions ?? []);
    },
  };
}

async function replace(
  tx: StoreTransaction,
  actor: Actor,
  place: MessagePlace,
  wanted: Wanted,
): Promise<MadeEvent> {
  const before = await tx.messages.reactions(place);
  const own = before.filter((one) => isOf(one, actor)).map(({ name }) => name);
  const names = [...new Set(wanted(own.map(reactionName)))];
  return await apply(tx, actor, place, own, names, before.length);
}

function without(name: string): Wanted {
  return (own) => own.filter((one) => one !== checkReaction(name));
}

/** @param own the stored reactions. Old ones were stored without normalization, so they may differ in form from `wanted` */
async function apply(
  tx: StoreTransaction,
  actor: Actor,
  place: MessagePlace,
  own: readonly string[],
  wanted: readonly string[],
  total: number,
): Promise<MadeEvent> {
  const had = new Set(own.map(reactionName));
  const added = wanted.filter((name) => !had.has(name));
  const removed = own.filter((name) => !wanted.includes(reactionName(name)));
  if (added.length > 0 && wanted.length > MAX_OF_A_MEMBER) {
    throw new DomainError("too_large", "A member reacts to a message in at most 20 ways", { field: "name" });
  }
  if (total + added.length - removed.length > MAX_OF_A_MESSAGE) {
    throw new DomainError("too_large", "A message has at most 1,000 reactions", { field: "name" });
  }
  for (const name of removed) await tx.messages.removeReaction(place, actor, name);
  for (const name of added) await tx.messages.addReaction(place, actor, name);
  const events: NewEvent[] = [
    ...removed.map((name) => ({ type: "reaction.removed" as const, actor, data: { seq: place.seq, name } })),
    ...added.map((name) => ({ type: "reaction.added" as const, actor, data: { seq: place.seq, name } })),
  ];
  if (events.length === 0) return null;
  return (await tx.appendEvents(place.roomId, events)).at(-1) ?? null;
}

function isOf(reaction: StoredReaction, actor: Actor): boolean {
  return memberKey(reaction.actor) === memberKey(actor);
}

function checkReaction(name: string): string {
  if (name.length === 0 || codePoints(name) > NAME_CODE_POINTS) {
    throw badField("name", "must be 1 to 64 characters long");
  }
  checkWellFormed("name", name);
  checkVisible("name", name);
  return reactionName(name);
}

function noSuchMessage(): DomainError {
  return new DomainError("not_found", "seq names no message of this room that is still there", {
    field: "seq",
  });
}
