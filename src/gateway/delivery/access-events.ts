/**
 * Applies the events of a room that say who is in it and who may have to wait, in their place in the log: subscribers
 * enter, leave or are paused in the turn of the event loop in which the event was delivered.
 */
import type { Actor } from "../../domain/model.ts";
import type { EncodedEvent } from "../frames/encoded-event.ts";
import type { FollowedRoom, Subscriber } from "./followed-room.ts";
import type { Lobbies } from "./lobby.ts";
import { lobbyChange, mayShutOut } from "./lobby-events.ts";
import type { SubscriberKeeper } from "./subscribers.ts";

export class AccessEvents {
  readonly #lobbies: Lobbies;
  readonly #subscribers: SubscriberKeeper;

  constructor(lobbies: Lobbies, subscribers: SubscriberKeeper) {
    this.#lobbies = lobbies;
    this.#subscribers = subscribers;
  }

  /** The hub has just delivered this event of AFFECTS_ACCESS. */
  apply(room: FollowedRoom, event: EncodedEvent): void {
    switch (event.type) {
      case "room.deleted":
        for (const subscriber of this.#subscribers.subscribers()) endStay(subscriber, room, event);
        break;
      case "room.changed":
        this.#roomChanged(room, event);
        break;
      default:
        this.#memberChanged(room, event);
    }
  }

  /** [GW-12.1] */
  #roomChanged(room: FollowedRoom, event: EncodedEvent): void {
    const change = lobbyChange(event.parsed());
    if (!change) return;
    room.lobbyMayBeShut = change.isShut;
    if (change.isShut) {
      for (const subscriber of this.#subscribers.subscribers()) {
        if (room.isLive(subscriber)) this.#lobbies.pause(subscriber, room, event.seq);
      }
    }
    this.#lobbies.ask(room);
  }

  #memberChanged(room: FollowedRoom, event: EncodedEvent): void {
    const frame = event.parsed();
    const member = frame.data.member as Actor;
    if (member.kind !== "user") return;
    const userId = Number(member.id);
    for (const subscriber of this.#subscribers.subscribersOf(userId)) {
      if (event.type === "member.left") endStay(subscriber, room, event);
      else {
        if (event.type === "member.joined") beginStay(subscriber, room, event);
        if (mayShutOut(room, frame, userId) && room.isLive(subscriber)) {
          this.#lobbies.pause(subscriber, room, event.seq);
        }
      }
    }
    if (event.type === "member.changed") this.#lobbies.ask(room, userId);
  }
}

/** The event was just delivered, so the subscriber is live with it. */
function beginStay(subscriber: Subscriber, room: FollowedRoom, event: EncodedEvent): void {
  if (!subscriber.isReady || subscriber.rooms.has(room)) return;
  subscriber.enter(room, event.seq);
  subscriber.deliver(room, event);
  subscriber.goLive(room);
}

/** A departure from before the user joined again is history. */
function endStay(subscriber: Subscriber, room: FollowedRoom, event: EncodedEvent): void {
  const joinedSeq = subscriber.rooms.get(room);
  if (joinedSeq === undefined || event.seq <= joinedSeq) return;
  const pending = room.pending(subscriber);
  if (pending) pending.endWith(event);
  else subscriber.end(room);
}
