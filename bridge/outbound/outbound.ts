/** Mirrors a room's log: sends its events to Matrix in order, and changes the Matrix room as the chatroom changed. */

import { dataOf } from "../../src/domain/event-data.ts";
import { type LoggedEvent, memberKey } from "../../src/domain/model.ts";
import { isModerator } from "../../src/domain/permissions.ts";
import type { RoomLog } from "../../src/domain/ports/store/log.ts";
import type { RoomQueries } from "../../src/domain/ports/store/rooms.ts";
import type { Logger } from "../../src/logger.ts";
import type { Live } from "../live/live.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import { entriesOf, type PlannedEntry } from "../mapping/outbox-plan.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { PinsInMatrix } from "../profile/pins.ts";
import type { Members } from "../rooms/members.ts";
import { hasItsRules } from "../rooms/power-levels.ts";
import type { MatrixRooms, OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { OutboxEntry } from "../store/queues.ts";
import { changeOf, PIN, POWER_LEVELS, PROFILE } from "./changes.ts";
import type { Delivery } from "./delivery.ts";
import { createMemberships, type MembershipsOptions } from "./memberships.ts";
import { createRefusedChanges, type RefusedChangesOptions } from "./refused-changes.ts";
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
    | "lateEntries"
    | "retriedChanges"
    | "dropRetriedChanges"
    | "dropped"
  > &
    RefusedChangesOptions["store"] &
    MembershipsOptions["store"];
  ghosts: Ghosts;
  members: Members;
  rooms: MatrixRooms;
  pins: PinsInMatrix;
  delivery: Delivery;
  superseded: Pick<SupersededEdits, "redactEvent">;
  live: Pick<Live, "wrote"> & MembershipsOptions["live"];
  counts: BridgeCounts;
  logger: Pick<Logger, "warn">;
}

/** Events of one room turn. Other rooms get turns in between. */
const BATCH = 20;

export function createOutbound(options: OutboundOptions): Outbound {
  const { log, chatrooms, store, ghosts, members, rooms, pins, delivery, superseded, live } = options;
  const unlessRefused = createRefusedChanges(options);
  const memberships = createMemberships({ store, members, rooms, live, unlessRefused });

  /** Writes the outbox entries of these events, before anything is sent. */
  async function plan(room: OpenRoom, events: readonly LoggedEvent[]): Promise<Map<number, OutboxEntry[]>> {
    const inMatrix = await store.inMatrix(room.id, events);
    const ours = events.filter(({ seq }) => !inMatrix.has(seq));
    const planned: [LoggedEvent, PlannedEntry][] = [];
    for (const event of ours) {
      const add = () => {
        for (const entry of entriesOf(event, ghosts)) planned.push([event, entry]);
      };
      await unlessRefused(room, `event ${event.seq}`, Promise.resolve().then(add));
    }
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
        await memberships.add(room, member, role);
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
        if (room.chatroom.lobby) await memberships.syncLobby(room);
        return;
      case "room.changed": {
        const { readOnly, posting, type, lobby } = dataOf<"room.changed">(event);
        // Read again, because the change may be younger than the claim.
        room.chatroom = (await chatrooms.byId(room.id)) ?? room.chatroom;
        if (readOnly !== undefined) room.readOnly = readOnly;
        if (posting !== undefined) room.posting = posting;
        const isPower = readOnly !== undefined || posting !== undefined || type !== undefined;
        if (isPower) await rooms.syncPower(room);
        if (lobby !== undefined) await memberships.syncLobby(room);
        return await rooms.syncProfile(room);
      }
      default:
    }
  }

  /** Sends entries whose events the room's cursor has passed. */
  async function sendLate(room: OpenRoom): Promise<void> {
    const late = await store.lateEntries(room.id);
    for (const entry of late) {
      const event = await log.event(room.id, entry.seq);
      const isGone = !event || (event.type === "message" && dataOf<"message">(event).deleted);
      if (isGone && entry.standIn) await superseded.redactEvent(room, entry.standIn);
      if (isGone) await store.dropped(room.id, entry);
      else await delivery.deliver(room, entry, event);
    }
    // Their authors may wait in the lobby.
    if (late.length > 0 && room.chatroom.lobby) await memberships.takeOut(room);
  }

  async function repeatChanges(room: OpenRoom): Promise<void> {
    const changes = await store.retriedChanges(room.id);
    if (changes.length === 0) return;
    await unlessRefused(room, POWER_LEVELS, rooms.syncPower(room));
    await unlessRefused(room, PROFILE, rooms.syncProfile(room));
    await unlessRefused(room, PIN, pins.restore(room));
    await memberships.sync(room);
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
      const events = await log.range(room.id, room.mirrored, lastFor(room), BATCH);
      if (events.length === 0) {
        await catchUpRules(room);
        await unlessRefused(room, PIN, pins.settle(room));
        return false;
      }
      const entries = await plan(room, events);
      if (room.chatroom.blocked && needsWriteAccess(entries))
        await whileWritable(room, () => deliverEvents(room, events, entries));
      else await deliverEvents(room, events, entries);
      if (events.length === BATCH) return true;
      await unlessRefused(room, PIN, pins.settle(room));
      return !hasItsRules(room);
    },
    syncMembers: memberships.sync,
    async restore(room) {
      await unlessRefused(room, PROFILE, rooms.restore(room));
      await unlessRefused(room, PIN, pins.restore(room));
      await memberships.sync(room);
    },
    async retry(room) {
      await sendLate(room);
      await repeatChanges(room);
    },
  };
}

/**
 * A chat with somebody in Matrix may have become a request since the claim, and go on in another Matrix room: what happened after the
 * claim is left to the next turn.
 */
function lastFor({ chatroom: { pair }, head }: OpenRoom): number {
  return pair?.startsWith("m:") ? head : Number.MAX_SAFE_INTEGER;
}

/** Whether an entry needs the right to write. Redactions do not: everybody may redact their own messages. */
function needsWriteAccess(entries: ReadonlyMap<number, readonly OutboxEntry[]>): boolean {
  return [...entries.values()].some((parts) => parts.some(({ op }) => op !== "redaction"));
}
