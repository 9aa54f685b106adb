/** Rooms and people for the store's tests, each test with its own. */
import { randomUUID } from "node:crypto";
import {
  type Actor,
  type Conversation,
  type HistoryVisibility,
  userActor,
  userKey,
} from "../../src/domain/model.ts";
import type { NewMessage } from "../../src/domain/ports/store/log.ts";
import type { Store } from "../../src/domain/ports/store/store.ts";
import type { NewConversation, StoreTransaction } from "../../src/domain/ports/store/transaction.ts";

export interface Person {
  id: number;
  key: string;
  actor: Actor;
}

export interface StoredRoom {
  conversation: Conversation;
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

export function newConversation(input: Partial<NewConversation> = {}): NewConversation {
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
export async function join(tx: StoreTransaction, conversationId: number, people: Person[]): Promise<void> {
  const members = people.map(({ key, id, actor }) => ({
    member: key,
    userId: id,
    name: actor.name,
    role: "user" as const,
  }));
  await tx.putMembers(conversationId, members);
  const joined = people.map(({ actor }) => ({
    type: "member.joined" as const,
    actor,
    data: { member: actor, role: "user" as const },
  }));
  await tx.appendEvents(conversationId, joined);
}

/** A room whose log holds the joins of its people: with two people its head is 2. */
export async function createRoom(
  store: Store,
  { size = 2, history = "joined" }: { size?: number; history?: HistoryVisibility } = {},
): Promise<StoredRoom> {
  const people: Person[] = [];
  for (let i = 0; i < size; i++) people.push(await createPerson(store, `Person ${i}`));
  const conversation = await store.transaction(async (tx) => {
    const made = await tx.createConversation(newConversation({ history }));
    await join(tx, made.id, people);
    return made;
  });
  return {
    conversation,
    id: conversation.id,
    token: conversation.token,
    people,
    version: await accessVersion(store, conversation.id),
  };
}

export async function accessVersion(store: Store, conversationId: number): Promise<number> {
  const [head] = await store.log.heads([conversationId]);
  return head?.accessVersion ?? 0;
}

export function messageBy(room: StoredRoom, sender = 0, more: Partial<NewMessage> = {}): NewMessage {
  const { actor } = room.people[sender] as Person;
  return {
    conversationId: room.id,
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
export async function seqsOf(store: Store, conversationId: number): Promise<number[]> {
  const events = await store.log.range(conversationId, 0, Number.MAX_SAFE_INTEGER, 1_000_000);
  return events.map(({ seq }) => seq);
}

export function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, i) => i + 1);
}
