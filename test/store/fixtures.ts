/** Rooms and people for the store's tests, each test with its own. */
import { randomUUID } from "node:crypto";
import { type Actor, type HistoryVisibility, type Room, userActor, userKey } from "../../src/domain/model.ts";
import type { AppendResult, NewMessage } from "../../src/domain/ports/store/log.ts";
import type { Store } from "../../src/domain/ports/store/store.ts";
import type { NewRoom, StoreTransaction } from "../../src/domain/ports/store/transaction.ts";

export interface Person {
  id: number;
  key: string;
  actor: Actor;
}

export interface StoredRoom {
  room: Room;
  id: number;
  token: string;
  people: Person[];
  /** The access version as of the room's making. */
  version: number;
}

export async function createPerson(store: Store, name = "Ada"): Promise<Person> {
  const user = await store.transaction((tx) =>
    tx.users.create({
      handle: `h-${randomUUID()}`,
      displayName: name,
      email: null,
      passwordHash: null,
      administrator: false,
    }),
  );
  return { id: user.id, key: userKey(user.id), actor: userActor(user) };
}

export function newRoom(input: Partial<NewRoom> = {}): NewRoom {
  const fallback = {
    organizationId: null,
    type: "group",
    kind: null,
    name: "Room",
    history: "joined",
  } as const;
  return { ...fallback, createdBy: "s:causeway", ...input };
}

/** Adds people with their `member.joined` events. */
export async function join(tx: StoreTransaction, roomId: number, people: Person[]): Promise<void> {
  const members = people.map(({ key, id, actor }) => ({
    member: key,
    userId: id,
    name: actor.name,
    role: "user" as const,
  }));
  await tx.putMembers(roomId, members);
  const joined = people.map(({ actor }) => ({
    type: "member.joined" as const,
    actor,
    data: { member: actor, role: "user" as const },
  }));
  await tx.appendEvents(roomId, joined);
}

/** A room whose log holds the joins of its people: with two people its head is 2. */
export async function createRoom(
  store: Store,
  { size = 2, history = "joined" }: { size?: number; history?: HistoryVisibility } = {},
): Promise<StoredRoom> {
  const people: Person[] = [];
  for (let i = 0; i < size; i++) people.push(await createPerson(store, `Person ${i}`));
  const room = await store.transaction(async (tx) => {
    const made = await tx.createRoom(newRoom({ history }));
    await join(tx, made.id, people);
    return made;
  });
  return {
    room,
    id: room.id,
    token: room.token,
    people,
    version: await accessVersion(store, room.id),
  };
}

export async function accessVersion(store: Store, roomId: number): Promise<number> {
  const [head] = await store.log.heads([roomId]);
  return head?.accessVersion ?? 0;
}

export function messageBy(room: StoredRoom, sender = 0, more: Partial<NewMessage> = {}): NewMessage {
  const { actor } = room.people[sender] as Person;
  return {
    roomId: room.id,
    accessVersion: room.version,
    sender: actor,
    id: randomUUID(),
    text: "Hello",
    ...more,
  };
}

/** Appends and requires that it was stored. */
export async function say(
  store: Store,
  room: StoredRoom,
  sender = 0,
  more: Partial<NewMessage> = {},
): Promise<number> {
  const result = await store.log.append(messageBy(room, sender, more));
  if (result.status !== "appended") throw new Error(`The message was not appended: ${result.status}`);
  return result.seq;
}

/** The seqs of a room's whole log. */
export async function seqsOf(store: Store, roomId: number): Promise<number[]> {
  const events = await store.log.range(roomId, 0, Number.MAX_SAFE_INTEGER, 1_000_000);
  return events.map(({ seq }) => seq);
}

export function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, i) => i + 1);
}

/** The answer to the same message again: the place and time of the first, which alone has the event. */
export function repetitionOf(first: AppendResult | undefined): AppendResult {
  if (first?.status !== "appended") throw new Error(`The message was not appended but ${first?.status}`);
  return { status: "duplicate", seq: first.seq, at: first.at };
}
