/** Who is in the story, and what all watchers have to agree on after each chapter. */
import { expect, vi } from "vitest";
import type { LocalClient } from "../../src/client/local/local-client.ts";
import type { MatrixApp } from "./matrix-app.ts";
import type { Messenger } from "./messenger.ts";
import type { Person, Stage } from "./stage.ts";
import { entriesOf, messagesOf, type ShownMessage, sharedEntryOf, wholeLog, wholeTimeline } from "./views.ts";

export interface Story {
  stage: Stage;
  ada: Person;
  ben: Person;
  cleo: Person;
  /** Ada's phone does what is told; her laptop watches, and keeps nothing. */
  phone: Messenger<LocalClient>;
  laptop: Messenger;
  bens: Messenger<LocalClient>;
  cleos: Messenger<LocalClient>;
  /** Cleo's Matrix client, once she has one. */
  matrix: MatrixApp | null;
  /** The Matrix id of a user, by the user's id. */
  matrixIds: Map<string, string>;
  /** What Ada hid for herself in the team's room. */
  hidden: Set<number>;
  /** Rooms of the story by what they are for. */
  rooms: Record<string, string>;
}

const LIMIT = { timeout: 30_000, interval: 50 };

/** Resolves when all watchers show the same; else it fails with what differs. */
export async function allAgree(story: Story): Promise<void> {
  await vi.waitFor(
    () => expect(entriesOf(story.laptop.client)).toEqual(entriesOf(story.phone.client)),
    LIMIT,
  );
  for (const { room, ids } of story.phone.client.rooms.getSnapshot()) {
    await vi.waitFor(() => sameRoom(story, room), LIMIT);
    if (ids?.matrix) await vi.waitFor(() => sameInMatrix(story, room, ids.matrix ?? ""), LIMIT);
  }
}

async function sameRoom({ phone, laptop, bens, cleos, hidden, rooms }: Story, room: string): Promise<void> {
  const isHidden = (seq: number) => room === rooms.team && hidden.has(seq);
  const timeline = await wholeTimeline(phone.client, room);
  const shown = messagesOf(timeline);
  expect(messagesOf(await wholeLog(laptop.client, room))).toEqual(shown);
  for (const { client } of [bens, cleos]) {
    const entry = client.room(room).getSnapshot();
    if (!entry) continue;
    const theirs = await wholeTimeline(client, room);
    const first = theirs[0]?.seq ?? 0;
    const alike = messagesOf(theirs).filter(({ seq }) => !isHidden(seq));
    expect(alike).toEqual(shown.filter(({ seq }) => seq >= first));
    expect(messagesOf(await wholeLog(client, room))).toEqual(messagesOf(theirs));
    expect(sharedEntryOf(entry)).toEqual(sharedEntryOf(phone.client.room(room).getSnapshot()));
  }
}

/** In Matrix a file is a message of its own, which bears its name. */
async function sameInMatrix({ matrix, cleos, matrixIds }: Story, room: string, matrixRoom: string) {
  const entry = cleos.client.room(room).getSnapshot();
  if (!matrix || !entry) return;
  const shown = messagesOf(await wholeTimeline(cleos.client, room));
  const theirs = await matrix.messages(matrixRoom);
  const nameOf = (id: string) => matrixIds.get(id) ?? id;
  expect(theirs.map(({ by, text, reactions }) => ({ by, text, reactions: reactions.sort() }))).toEqual(
    shown.filter(({ with: parts }) => !parts.includes("deleted")).flatMap((one) => inMatrix(one, nameOf)),
  );
  expect(matrix.name(matrixRoom)).toBe(entry.name);
  // A ghost comes with its first message.
  const said = new Set(shown.map(({ by }) => nameOf(by)));
  expect(matrix.members(matrixRoom)).toEqual(expect.arrayContaining([...said, matrix.id]));
}

function inMatrix({ by, text, with: parts }: ShownMessage, nameOf: (id: string) => string) {
  const reactions = parts.flatMap((part) => {
    const [, name = "", ids = ""] = /^(\S+) \d+ of (.*)$/.exec(part) ?? [];
    return name === "quotes" || ids === "" ? [] : ids.split(", ").map((id) => `${name} ${nameOf(id)}`);
  });
  const files = parts.flatMap((part) => /^(.+), \S+\/\S+, \d+ bytes$/.exec(part)?.[1] ?? []);
  return [
    ...(text === "" ? [] : [{ by: nameOf(by), text, reactions: reactions.sort() }]),
    ...files.map((file) => ({ by: nameOf(by), text: file, reactions: [] })),
  ];
}
