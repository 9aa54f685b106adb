/**
 * Publishes each commit of this process. Every process with a store has one publisher; `receivers` lists who is told, in
 * which order. The frames of a commit are made once, for all of them.
 */
import { dataOf } from "../../domain/event-data.ts";
import type { LoggedEvent } from "../../domain/model.ts";
import { type Bus, channels } from "../../domain/ports/bus.ts";
import type { Store } from "../../domain/ports/store/store.ts";
import type { Logger } from "../../logger.ts";
import { eventJson } from "./encoded-event.ts";

/** On the channel of a user who joined a room: gateways that do not follow the room have to start. */
export interface JoinedHint {
  hint: "joined";
  roomId: number;
  /** The room's token. */
  room: string;
  /** Seq of the user's own `member.joined`. */
  seq: number;
}

/** Events that were committed together, sorted by room and seq. */
export interface Commit {
  events: LoggedEvent[];
  /** The JSON frame of each event. */
  frames: readonly string[];
}

export interface CommitPublisherOptions {
  store: Pick<Store, "onCommitted">;
  bus: Pick<Bus, "publish">;
  logger: Pick<Logger, "error">;
}

type Receiver = (commit: Commit) => void;

export class CommitPublisher {
  readonly #receivers: readonly (readonly [name: string, Receiver])[];
  readonly #logger: CommitPublisherOptions["logger"];
  #gateway: Receiver = () => {};
  #webhooks: (events: LoggedEvent[]) => void = () => {};

  /** Make it before anything is committed. */
  constructor({ store, bus, logger }: CommitPublisherOptions) {
    this.#logger = logger;
    this.#receivers = [
      ["sessions of this process", (commit) => this.#gateway(commit)],
      ["gateways that follow the room", (commit) => publishToRooms(bus, commit)],
      ["gateways of users who joined", (commit) => publishJoins(bus, commit)],
      ["bridges", (commit) => publishToBridges(bus, commit)],
      ["webhooks of this process", ({ events }) => this.#webhooks(events)],
    ];
    store.onCommitted((events) => this.#publish(events));
  }

  /** The gateway of this process delivers commits to its own sessions. A process without a gateway never calls it. */
  deliverWith(gateway: Receiver): void {
    this.#gateway = gateway;
  }

  /** Wakes the webhooks of this process. */
  onCommitted(webhooks: (events: LoggedEvent[]) => void): void {
    this.#webhooks = webhooks;
  }

  #publish(events: LoggedEvent[]): void {
    const commit = { events, frames: events.map(eventJson) };
    for (const [name, receive] of this.#receivers) {
      try {
        receive(commit);
      } catch (error) {
        const fields = { event: "commits.receiver_failed", receiver: name, err: error };
        this.#logger.error(fields, "could not tell a receiver of a commit; the other receivers are told");
      }
    }
  }
}

function publishToRooms(bus: Pick<Bus, "publish">, { events, frames }: Commit): void {
  for (let first = 0, next = 0; first < events.length; first = next) {
    const { roomId } = events[first] as LoggedEvent;
    for (next = first + 1; events[next]?.roomId === roomId; ) next++;
    bus.publish(channels.room(roomId), Buffer.from(frames.slice(first, next).join("\n")));
  }
}

function publishJoins(bus: Pick<Bus, "publish">, { events }: Commit): void {
  for (const event of events) {
    if (event.type !== "member.joined") continue;
    const { member } = dataOf<"member.joined">(event);
    if (member.kind !== "user") continue;
    const { roomId, room, seq } = event;
    const hint: JoinedHint = { hint: "joined", roomId, room, seq };
    bus.publish(channels.user(Number(member.id)), Buffer.from(JSON.stringify(hint)));
  }
}

function publishToBridges(bus: Pick<Bus, "publish">, { events }: Commit): void {
  const rooms = [...new Set(events.map(({ roomId }) => roomId))];
  bus.publish(channels.bridge, Buffer.from(JSON.stringify(rooms)));
}
