/** The list of rooms: name, unread, mentions, last message. `ready` fills it, and events keep it up to date. */
import type {
  CallFrame,
  EventFrame,
  ReadyFrame,
  RoomEntry,
  RoomFrame,
  UnreadFrame,
  WireActor,
} from "../protocol/frames.ts";
import { type RoomClient, RoomCommands } from "./commands/room-commands.ts";
import { type Observable, type OwnedObservable, observe, type Unsubscribe } from "./emitter.ts";

/** A room of the user. `call` is the OR of the flags of all participants of the call; 0 for no call. */
export type Room = Readonly<RoomEntry>;

/** A room as the app sees it: `client.room(token)`. */
export class RoomHandle extends RoomCommands implements Observable<Room | undefined> {
  // `declare`, as in failures.ts: it keeps the bundle small.
  /** Calls `listener` after changes of the room's entry. */
  declare readonly subscribe: (listener: () => void) => Unsubscribe;
  /** The room's entry; undefined while the user is not in the room, as far as is known. */
  declare readonly getSnapshot: () => Room | undefined;

  constructor(client: RoomClient, token: string, entry: Observable<Room | undefined>) {
    super(client, token);
    this.subscribe = entry.subscribe;
    this.getSnapshot = entry.getSnapshot;
  }
}

/** The mention of everybody. */
const EVERYBODY = "all";

/** How many members a room has more after an event. */
const MEMBERS_MORE = { "member.joined": 1, "member.changed": 0, "member.left": -1 };

export class Rooms {
  readonly #rooms = new Map<string, Room>();
  /** What events told of rooms whose entry has not come yet. These are not shown. */
  readonly #coming = new Map<string, Room>();
  /** The seq up to which the server counted a room's figures, where it is beyond the room's last event here. */
  readonly #counted = new Map<string, number>();
  readonly #entries = new Map<string, OwnedObservable<Room | undefined>>();
  readonly #onChange: (room: Room) => void;
  /** All rooms, newest activity first. */
  readonly all = observe<readonly Room[]>(() => byActivity([...this.#rooms.values()]));
  #userId = "";

  /** @param onChange told of each entry that is another now */
  constructor(onChange: (room: Room) => void) {
    this.#onChange = onChange;
  }

  /** Whether a room is not shown because its entry has not come. */
  get areSomeComing(): boolean {
    return this.#coming.size > 0;
  }

  /** The entry of a room, which the user may be in or not. */
  entry(room: string): Observable<Room | undefined> {
    const known = this.#entries.get(room) ?? observe(() => this.#rooms.get(room));
    this.#entries.set(room, known);
    return known;
  }

  /** Shows what the device has, until a session tells. */
  restore(entries: readonly Room[]): void {
    for (const entry of entries) this.#rooms.set(entry.room, entry);
  }

  /** Rooms that are not in this page of the list stay as they are [GW-15.7]. */
  begin({ rooms, user, more }: ReadyFrame): void {
    this.#userId = user.id;
    if (!more) this.#rooms.clear();
    this.#coming.clear();
    this.#counted.clear();
    for (const room of rooms) this.#rooms.set(room.room, room);
    this.all.changed();
    for (const entry of this.#entries.values()) entry.changed();
  }

  left(room: string): void {
    this.#rooms.delete(room);
    this.#coming.delete(room);
    this.#counted.delete(room);
    this.#changed(room);
  }

  /** Applies an event. Events up to the head of `ready` are in its figures already, so replayed ones count once. */
  apply(event: EventFrame): void {
    const shown = this.#rooms.get(event.room);
    const before = shown ?? this.#coming.get(event.room) ?? newRoom(event);
    const isNews = event.seq > before.head;
    // What was shown stays as it was; of many events in a row each makes one copy and no other object.
    const room: RoomEntry = isNews || before.waiting ? { ...before } : before;
    // A user who gets a room's event does not wait in its lobby [GW-12.3].
    if (room.waiting) delete room.waiting;
    if (isNews) this.#change(room, event);
    if (shown) this.#set(room);
    else this.#coming.set(event.room, room);
  }

  /** The room's entry as the server has it now [GW-15.4]; or what all of its members have alike [GW-15.6]. */
  entered(frame: RoomFrame): void {
    const { room } = frame.room;
    const shown = this.#rooms.get(room);
    const known = shown ?? this.#coming.get(room);
    if (frame.part) {
      if (shown) this.#set({ ...withoutPart(shown), ...frame.room });
    } else if ((known?.rev ?? 0) <= frame.rev) {
      this.#coming.delete(room);
      // Where events or the read marker are ahead of it, what they count stays: a page may be read before the marker moves.
      const isBehind = known && (known.head > frame.room.head || (shown?.read ?? 0) > frame.room.read);
      this.#set(isBehind ? { ...frame.room, ...countedOf(known, frame.room) } : frame.room);
    }
  }

  unread(frame: Omit<UnreadFrame, "op">): void {
    const { room: token, read, unread, mention, head = 0, thread, unreadMark } = frame;
    const room = this.#rooms.get(token);
    // Messages after this count are missing in it; the next marker corrects the figures.
    if (!room || read < room.read) return;
    if (head > room.head) this.#counted.set(token, head);
    const now = { ...room, read, unread, mention };
    // A marker of the room takes away the mark of an unread room, unless it sets it [GW-6.13].
    if (!head && !thread) mark(now, unreadMark);
    this.#set(now);
  }

  call({ room: token, flags }: Omit<CallFrame, "op">): void {
    const room = this.#rooms.get(token);
    if (room) this.#set({ ...room, call: flags });
  }

  #set(room: Room): void {
    if (this.#rooms.get(room.room) === room) return;
    this.#rooms.set(room.room, room);
    this.#changed(room.room);
    this.#onChange(room);
  }

  #changed(room: string): void {
    this.all.changed();
    this.#entries.get(room)?.changed();
  }

  #change(room: RoomEntry, event: EventFrame): void {
    const { type, data } = event;
    room.head = event.seq;
    room.at = event.at;
    switch (type) {
      case "message":
        room.last = event;
        this.#count(room, event);
        break;
      case "message.edited":
        changeLast(room, event);
        break;
      case "message.deleted":
        changeLast(room, event);
        this.#uncount(room, event);
        break;
      case "room.created":
      case "room.changed":
        if (typeof data.name === "string") room.name = data.name;
        break;
      case "member.joined":
      case "member.changed":
      case "member.left":
        if (this.#isMe(data.member)) room.role = String(data.role);
        if (room.members) room.members += MEMBERS_MORE[type];
        break;
      case "message.pinned":
      case "message.unpinned":
        // A hidden pin is of a message that the user may not see [GW-4.5].
        if (room.pinned && !data.hidden)
          room.pinned = including(room.pinned, data.seq as number, type === "message.pinned");
        break;
      case "call.ended":
        room.call = 0;
    }
  }

  /** The figures after a message. The user's own message moves their read marker. */
  #count(room: RoomEntry, { actor, seq, data }: EventFrame): void {
    if (this.#isMe(actor)) {
      room.read = seq;
      room.unread = room.mention = 0;
      mark(room);
    } else if (seq > (this.#counted.get(room.room) ?? 0)) {
      const mentions = (data.mentions ?? []) as string[];
      room.unread++;
      if (mentions.includes(this.#userId) || mentions.includes(EVERYBODY)) room.mention++;
    }
  }

  /** The figures after a deletion. The server announces changed mentions [GW-6.6]. */
  #uncount(room: RoomEntry, { seq, data }: EventFrame): void {
    if (Number(data.seq) <= room.read || seq <= (this.#counted.get(room.room) ?? 0)) return;
    room.unread = Math.max(0, room.unread - 1);
    room.mention = Math.min(room.mention, room.unread);
  }

  #isMe(actor: unknown): boolean {
    const known = actor as WireActor | undefined;
    return known?.kind === "user" && known.id === this.#userId;
  }
}

/** Sorts rooms in their place, newest activity first. */
export function byActivity(rooms: Room[]): Room[] {
  return rooms.sort((a, b) => (b.last?.at ?? 0) - (a.last?.at ?? 0));
}

/** Marks a room as unread, or not. Rooms without a mark, most of them, keep the settings that they have. */
function mark(room: RoomEntry, isMarked = false): void {
  if (!room.settings || (room.settings.unreadMark ?? false) === isMarked) return;
  const { unreadMark: _, ...others } = room.settings;
  room.settings = isMarked ? { ...others, unreadMark: true } : others;
}

/** The last message after its edit, or without its text after its deletion. A hidden edit changes nothing [GW-4.4]. */
function changeLast(room: RoomEntry, { type, data }: EventFrame): void {
  const { hidden, seq, ...edit } = data;
  const { last } = room;
  if (!last || last.seq !== seq || hidden) return;
  // A message without a format has none after the edit, whatever it had before.
  const { format: _format, ...kept } = last.data;
  const isDeleted = type === "message.deleted";
  room.last = { ...last, data: isDeleted ? { text: "", deleted: true } : { ...kept, ...edit } };
}

/** The list with the item at its end, or without it. */
export function including<T>(list: readonly T[], item: T, isIn: boolean): T[] {
  const others = list.filter((other) => other !== item);
  return isIn ? [...others, item] : others;
}

/** What events and other frames keep up; of a room without an entry its members and pins are not known yet. */
function countedOf(room: Room, entry: Room): Partial<Room> {
  const { head, at, read, unread, mention, last, lastPing, call } = room;
  const { members = entry.members, pinned = entry.pinned } = room;
  return { head, at, read, unread, mention, last, lastPing, call, members, pinned } as Partial<Room>;
}

/** Without what a part may leave out because it is not set. */
function withoutPart(room: Room): Room {
  const { description, avatar, lobbyUntil, messageTimer, guestLink, organization, ...rest } = room;
  return rest;
}

/** What is known of a room before its entry comes: what events count. */
function newRoom({ room, seq, at }: EventFrame): Room {
  const read = seq - 1;
  return { room, head: read, at, read, unread: 0, mention: 0, last: null, lastPing: 0, call: 0 } as Room;
}
