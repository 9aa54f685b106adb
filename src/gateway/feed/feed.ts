/**
 * The feed for readers that are no WebSocket sessions (src/domain/ports/feed.ts), over the hub. The reader of a room is
 * called when the hub delivers. The reader of a user is told what the user's subscriptions get; see followed-user.ts.
 */
import { DomainError } from "../../domain/errors.ts";
import { channels } from "../../domain/ports/bus.ts";
import type { Feed, Following } from "../../domain/ports/feed.ts";
import type { RoomLog } from "../../domain/ports/store/log.ts";
import type { RoomLists } from "../../domain/ports/store/room-lists.ts";
import type { RoomQueries } from "../../domain/ports/store/rooms.ts";
import type { FollowedRoom } from "../delivery/followed-room.ts";
import { addReader } from "../delivery/room-readers.ts";
import type { SubscriberKeeper } from "../delivery/subscribers.ts";
import { FollowedUsers, type FollowedUsersOptions } from "./followed-users.ts";

export interface FeedOptions extends FollowedUsersOptions {
  log: Pick<RoomLog, "heads">;
  rooms: Pick<RoomQueries, "byId"> & Pick<RoomLists, "sessionRooms">;
}

export interface RunningFeed extends Feed {
  /** How many follow a room or a user: long polls, clients of /await. */
  readonly followers: number;
  /** The log is another one: followers of users are told. Those of rooms hear it from the hub. */
  lost(): void;
  stop(): void;
  /** The users that are followed. */
  readonly users: SubscriberKeeper;
}

export function createFeed(options: FeedOptions): RunningFeed {
  const { hub, bus, log, rooms } = options;
  const users = new FollowedUsers(options);
  let followers = 0;

  /** Counts it until it stops. */
  function counted<F extends Following>(following: F): F {
    let stopped = false;
    followers++;
    const stop = () => {
      if (!stopped) followers--;
      stopped = true;
      following.stop();
    };
    return { ...following, stop };
  }

  async function followed(roomId: number): Promise<FollowedRoom> {
    const known = hub.get(roomId);
    if (known) return known;
    const [room, [head]] = await Promise.all([rooms.byId(roomId), log.heads([roomId])]);
    if (!room || !head) throw new DomainError("not_found", "There is no such room", { field: "room" });
    const at = head.head === 0 ? 0 : head.lastActivity;
    return hub.follow(roomId, room.token, { head: { seq: head.head, at }, history: room.history });
  }

  return {
    users,
    get followers() {
      return followers;
    },
    async followRoom(roomId, reader) {
      const room = await followed(roomId);
      const head = room.delivered;
      return counted({ head, stop: addReader(room, reader) });
    },
    followUser: async (user, reader) => counted(await users.follow(user, reader)),
    async followAll(wake) {
      const listener = (message: Uint8Array) => {
        const ids = readIds(message);
        if (ids.length > 0) wake(ids);
      };
      await bus.subscribe(channels.bridge, listener);
      return { stop: () => void bus.unsubscribe(channels.bridge, listener).catch(() => {}) };
    },
    lost: () => users.lost(),
    stop: () => users.stop(),
  };
}

/** Empty for what is not ours: another version of the program may speak on the channel. */
function readIds(message: Uint8Array): number[] {
  try {
    const ids: unknown = JSON.parse(new TextDecoder().decode(message));
    return Array.isArray(ids) ? ids.filter((id): id is number => typeof id === "number") : [];
  } catch {
    return [];
  }
}
