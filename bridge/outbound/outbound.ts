/** Mirrors a room's log: sends its events to Matrix in order, and changes the Matrix room as the chatroom changed. */

import { dataOf } from "../../src/domain/event-data.ts";
import { type Actor, actorOf, type LoggedEvent, memberKey, type Role } from "../../src/domain/model.ts";
import { isModerator } from "../../src/domain/permissions.ts";
import type { RoomLog } from "../../src/domain/ports/store/log.ts";
import type { RoomQueries } from "../../src/domain/ports/store/rooms.ts";
import type { Logger } from "../../src/logger.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import { isForbidden, isRefusal, whyOf } from "../homeserver/refusals.ts";
import type { Live } from "../live/live.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import { entriesOf, type PlannedEntry } from "../mapping/outbox-plan.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { Members } from "../rooms/members.ts";
import { hasItsRules } from "../rooms/power-levels.ts";
import type { MatrixRooms, OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { OutboxEntry } from "../store/queues.ts";
import { changeOf, POWER_LEVELS, PROFILE } from "./changes.ts";
import type { Delivery } from "./delivery.ts";
import { redactionIn, type SupersededEdits } from "./superseded-edits.ts";

export interface Outbound {
  /**
   * Mirrors the next batch of events and moves `room.mirrored`.
   * @returns whether there may be more events
   * @throws HomeserverError when the rest has to be tried again
   */
  mirror(room: OpenRoom): Promise<boolean>;
  /**
   * Brings memberships in Matrix in line with the chatroom: invites or joins missing members, and removes others. In a
   * one-to-one room without a block it also restores the right to write.
   * @throws HomeserverError when it has to be tried again
   */
  syncMembers(room: OpenRoom): Promise<void>;
  /** Sets again what of the Matrix room is not as the chatroom has it. @throws HomeserverError as above */
  restore(room: OpenRoom): Promise<void>;
  /**
   * Tries the room's dead letters again that somebody asked for, after all events before them were mirrored.
   * @throws HomeserverError when it has to be tried again
   */
  retry(room: OpenRoom): Promise<void>;
}

export interface OutboundOptions {
  log: Pick<RoomLog, "range" | "event">;
  chatrooms: Pick<RoomQueries, "byId">;
  store: Pick<
    BridgeStore,
    | "plan"
    | "inMatrix"
    | "currentReactions"
    | "memberState"
    | "absentMembers"
    | "nonMembers"
    | "putChangeAside"
    | "lateEntries"
    | "retriedChanges"
    | "dropRetriedChanges"
    | "dropped"
  >;
  ghosts: Ghosts;
  members: Members;
  rooms: MatrixRooms;
  delivery: Delivery;
  superseded: Pick<SupersededEdits, "redactEvent">;
  live: Pick<Live, "wrote" | "catchUp">;
  counts: BridgeCounts;
  logger: Pick<Logger, "warn">;
}

/** Events of one room turn. Other rooms get turns in between. */
const BATCH = 20;
/**
 * In rooms of up to this many members the bridge invites every member at once, so that each sees the messages from then
 * on. In larger rooms that would take minutes: there a ghost joins when its user first writes or signs in to Matrix.
 */
const MAX_MEMBERS_INVITED = 100;

export function createOutbound(options: OutboundOptions): Outbound {
  const { log, chatrooms, store, ghosts, members, rooms, delivery, superseded, live, counts, logger } =
    options;

  /** Writes the outbox entries of these events, before anything is sent. */
  async function plan(room: OpenRoom, events: readonly LoggedEvent[]): Promise<Map<number, OutboxEntry[]>> {
    const inMatrix = await store.inMatrix(room.id, events);
    const ours = events.filter(({ seq }) => !inMatrix.has(seq));
    const planned = ours.flatMap((event) =>
      entriesOf(event, ghosts).map((entry): [LoggedEvent, PlannedEntry] => [event, entry]),
    );
    const waiting = await store.plan(room.id, room.mirrored, await withoutUndoneReactions(room, planned));
    const bySeq = new Map<number, OutboxEntry[]>();
    for (const entry of waiting) bySeq.set(entry.seq, [...(bySeq.get(entry.seq) ?? []), entry]);
    return bySeq;
  }

  /** Leaves out reactions that were removed before they were sent. */
  async function withoutUndoneReactions(room: OpenRoom, planned: readonly [LoggedEvent, PlannedEntry][]) {
    const reactions = planned.filter(([, { op }]) => op === "reaction");
    const current = await store.currentReactions(
      room.id,
      reactions.map(([{ actor }, { target, shown }]) => ({
        target: target ?? 0,
        member: memberKey(actor),
        key: shown ?? "",
      })),
    );
    const gone = new Set(reactions.filter((_, place) => !current.has(place)));
    return planned.filter((one) => !gone.has(one)).map(([, entry]) => entry);
  }

  async function deliverEvents(
    room: OpenRoom,
    events: readonly LoggedEvent[],
    entries: ReadonlyMap<number, OutboxEntry[]>,
  ): Promise<void> {
    for (const event of events) {
      const parts = entries.get(event.seq);
      for (const part of parts ?? []) await delivery.deliver(room, part, event);
      if (!parts) await unlessRefused(room, changeOf(event), applyToRoom(room, event));
      room.mirrored = event.seq;
      if (parts && event.actor.kind === "user") live.wrote(room.id, Number(event.actor.id));
    }
  }

  /** Lets members of a blocked one-to-one room write during `work`: the messages from before the block are sent as them. */
  async function whileWritable(room: OpenRoom, work: () => Promise<void>): Promise<void> {
    room.writableWhileBlocked = true;
    await unlessRefused(room, POWER_LEVELS, rooms.syncPower(room));
    await work();
    room.writableWhileBlocked = false;
    await unlessRefused(room, POWER_LEVELS, rooms.syncPower(room));
  }

  /** Applies an event that changes the room itself. Safe to repeat. */
  async function applyToRoom(room: OpenRoom, event: LoggedEvent): Promise<void> {
    switch (event.type) {
      case "member.joined": {
        const { member, role } = dataOf<"member.joined">(event);
        await addMember(room, member, role);
        return;
      }
      case "member.left": {
        const { member, role } = dataOf<"member.left">(event);
        await members.remove(
          room,
          memberKey(member),
          `Left the chatroom, or was removed by ${event.actor.name}`,
        );
        if (isModerator(role)) await rooms.syncPower(room);
        return;
      }
      case "member.changed":
        await rooms.syncPower(room);
        if (room.chatroom.lobby) await syncLobby(room);
        return;
      case "room.changed": {
        const { readOnly, posting, type, lobby } = dataOf<"room.changed">(event);
        // Read again, because the change may be younger than the claim.
        room.chatroom = (await chatrooms.byId(room.id)) ?? room.chatroom;
        if (readOnly !== undefined) room.readOnly = readOnly;
        if (posting !== undefined) room.posting = posting;
        const isPower = readOnly !== undefined || posting !== undefined || type !== undefined;
        if (isPower) await rooms.syncPower(room);
        if (lobby !== undefined) await syncLobby(room);
        return await rooms.syncProfile(room);
      }
      default:
    }
  }

  async function addMember(room: OpenRoom, member: Actor, role: Role): Promise<void> {
    // Nobody signs in as a guest's ghost: it joins when the guest first writes.
    if (member.kind === "guest") return;
    const state = await store.memberState(room.id, memberKey(member));
    if (!state.member || state.waits) return;
    if (state.active) {
      await members.join(room, member);
      await rooms.syncDirect(room);
    } else if (member.kind === "matrix" || state.members <= MAX_MEMBERS_INVITED)
      await members.invite(room, member);
    if (isModerator(role)) await rooms.syncPower(room);
  }

  /** A change that the homeserver refuses for good does not hold the room up: it is kept with the reason. */
  async function unlessRefused(room: OpenRoom, change: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof HomeserverError) || !(isRefusal(error, 0) || isForbidden(error))) throw error;
      if (await rooms.isLost(room)) throw error;
      counts.givenUp++;
      logger.warn(
        { event: "bridge.change_refused", err: error, room: room.token, change },
        "the homeserver refused a change of a room for good; it is a dead letter, and the bridge goes on without it",
      );
      await store.putChangeAside(room.id, change, whyOf(error));
    }
  }

  async function syncMembers(room: OpenRoom): Promise<void> {
    const { type, blocked } = room.chatroom;
    if (type === "one_to_one" && !blocked) await unlessRefused(room, POWER_LEVELS, rooms.syncPower(room));
    await bringIn(room);
    await unlessRefused(room, "direct chat", rooms.syncDirect(room));
    await live.catchUp(room.id);
    // Authors of events that are not mirrored yet may have left since; they are needed until then.
    if (room.mirrored >= room.head) await takeOut(room);
  }

  /** Matrix knows no lobby: who waits is taken out of the room, after what they said before was sent, and let in again. */
  async function syncLobby(room: OpenRoom): Promise<void> {
    await bringIn(room);
    await takeOut(room);
  }

  async function bringIn(room: OpenRoom): Promise<void> {
    const { absent, members: count } = await store.absentMembers(room.id, room.mirrored);
    for (const { member, name, membership, active } of absent) {
      const actor = actorOf(member, name);
      const invited = membership === "invite" || actor.kind === "guest";
      const everybody = count <= MAX_MEMBERS_INVITED || actor.kind === "matrix";
      if (active) await unlessRefused(room, `joining of ${member}`, members.join(room, actor));
      else if (everybody && !invited)
        await unlessRefused(room, `invitation of ${member}`, members.invite(room, actor));
    }
  }

  async function takeOut(room: OpenRoom): Promise<void> {
    for (const member of await store.nonMembers(room.id)) {
      const reason = room.chatroom.lobby ? "The chatroom's lobby is closed" : "Not a member of the chatroom";
      await unlessRefused(room, `removal of ${member}`, members.remove(room, member, reason));
    }
  }

  /** Sends entries whose events the room's cursor has passed. */
  async function sendLate(room: OpenRoom): Promise<void> {
    const late = await store.lateEntries(room.id);
    for (const entry of late) {
      const event = await log.event(room.id, entry.seq);
      const isGone = !event || (event.type === "message" && dataOf<"message">(event).deleted);
      if (isGone) await store.dropped(room.id, entry);
      else await delivery.deliver(room, entry, event);
    }
    // Their authors may wait in the lobby.
    if (late.length > 0 && room.chatroom.lobby) await takeOut(room);
  }

  async function repeatChanges(room: OpenRoom): Promise<void> {
    const changes = await store.retriedChanges(room.id);
    if (changes.length === 0) return;
    await unlessRefused(room, POWER_LEVELS, rooms.syncPower(room));
    await unlessRefused(room, PROFILE, rooms.syncProfile(room));
    await syncMembers(room);
    for (const change of changes) {
      const eventId = redactionIn(change);
      if (eventId !== null) await superseded.redactEvent(room, eventId);
    }
    await store.dropRetriedChanges(room.id);
  }

  /** A room that was made again got the log from its newest messages on, and the changes of before only now. */
  async function catchUpRules(room: OpenRoom): Promise<void> {
    if (hasItsRules(room)) return;
    const { readOnly, posting } = room.chatroom;
    Object.assign(room, { readOnly, posting });
    await unlessRefused(room, POWER_LEVELS, rooms.syncPower(room));
  }

  return {
    async mirror(room) {
      const events = await log.range(room.id, room.mirrored, Number.MAX_SAFE_INTEGER, BATCH);
      if (events.length === 0) {
        await catchUpRules(room);
        return false;
      }
      const entries = await plan(room, events);
      if (room.chatroom.blocked && needsWriteAccess(entries))
        await whileWritable(room, () => deliverEvents(room, events, entries));
      else await deliverEvents(room, events, entries);
      return events.length === BATCH || !hasItsRules(room);
    },
    syncMembers,
    async restore(room) {
      await unlessRefused(room, PROFILE, rooms.restore(room));
      await syncMembers(room);
    },
    async retry(room) {
      await sendLate(room);
      await repeatChanges(room);
    },
  };
}

/** Whether an entry needs the right to write. Redactions do not: everybody may redact their own messages. */
function needsWriteAccess(entries: ReadonlyMap<number, readonly OutboxEntry[]>): boolean {
  return [...entries.values()].some((parts) => parts.some(({ op }) => op !== "redaction"));
}
