/** Files over the bytes of others: made all or none, counted for their owners, and removed by the last one. */
import { expect, test } from "vitest";
import { newPublicId } from "../../../src/domain/ids.ts";
import type { FileBounds } from "../../../src/domain/ports/store/messages.ts";
import type { PostgresStore } from "../../../src/store/postgres.ts";
import { createRoom, type Person, type StoredRoom } from "../fixtures.ts";

const SIZE = 10;
const FREE = { ownerBytes: 0, organizationBytes: 0 };

export function sharedFileContract(store: () => PostgresStore): void {
  /** A message of the room's first with so many files. */
  async function sent({ id, people, version }: StoredRoom, count: number) {
    const [{ actor, key }] = people as [Person];
    const file = { filename: "a.txt", type: "text/plain", size: SIZE, owner: key, room: null, createdAt: 1 };
    const bounds: FileBounds = { ...FREE, waiting: 100 };
    const attachments = Array.from({ length: count }, () => ({ ...file, id: newPublicId() }));
    for (const each of attachments) await store().messages.addAttachment(each, bounds);
    const message = { roomId: id, accessVersion: version, sender: actor, id: newPublicId(), text: "" };
    const { seq } = (await store().log.append({ ...message, attachments })) as { seq: number };
    return { seq, ids: attachments.map((each) => each.id) };
  }
  async function share(
    { id: roomId }: StoredRoom,
    { seq, ids: sources }: { seq: number; ids: string[] },
    { key: owner }: Person,
    bounds = FREE,
  ) {
    const ids = sources.map(() => newPublicId());
    const wanted = { ids, sources, from: { roomId, seq }, owner, createdAt: 2 };
    const { status, used } = await store().transaction((tx) => tx.messages.shareFiles(wanted, bounds));
    return { ids, status, used };
  }
  const remove = (...ids: string[]) => store().transaction((tx) => tx.messages.deleteAttachments(ids));
  /** What is unwanted of these, as the housekeeping sees to it. */
  async function unwanted(...ids: string[]) {
    const found = (await store().messages.unwantedFiles(100_000)).filter(({ id }) => ids.includes(id));
    await store().messages.filesGone(found.map(({ id }) => id));
    return new Map(found.map(({ id, content }) => [id, content]));
  }

  test("share the bytes of their sources, and of what these share", async () => {
    const room = await createRoom(store());
    const [, bob] = room.people as [Person, Person];
    const original = await sent(room, 2);
    const copy = await share(room, original, bob);
    expect(copy.status).toBe("added");
    const [one] = await store().messages.attachments([copy.ids[0] ?? ""]);
    const shown = {
      filename: "a.txt",
      type: "text/plain",
      size: SIZE,
      createdAt: 2,
      place: null,
      room: null,
    };
    expect(one).toEqual({ ...shown, id: copy.ids[0], owner: bob.key, content: original.ids[0] });
    const message = { roomId: room.id, accessVersion: room.version, sender: bob.actor, id: "copy", text: "" };
    const files = await store().messages.attachments(copy.ids);
    const { seq } = (await store().log.append({ ...message, attachments: files })) as { seq: number };
    const further = await share(room, { seq, ids: copy.ids }, bob);
    const contents = (await store().messages.attachments(further.ids)).map(({ content }) => content);
    expect(contents.sort()).toEqual([...original.ids].sort());
  });

  test("are made all or none: not of other messages, not of deleted files, not beyond a bound", async () => {
    const room = await createRoom(store());
    const [, bob] = room.people as [Person, Person];
    const original = await sent(room, 2);
    expect((await share(room, { ...original, seq: 1 }, bob)).status).toBe("gone");
    const bound = { ownerBytes: 2 * SIZE, organizationBytes: 0 };
    const small = { ...bound, ownerBytes: 2 * SIZE - 1 };
    expect(await share(room, original, bob, small)).toMatchObject({ status: "owner", used: 0 });
    expect((await share(room, original, bob, bound)).status).toBe("added");
    expect(await share(room, original, bob, bound)).toMatchObject({ status: "owner", used: 2 * SIZE });
    await remove(original.ids[0] ?? "");
    const gone = await share(room, original, bob);
    expect(gone.status).toBe("gone");
    expect(await store().messages.attachments(gone.ids)).toEqual([]);
  });

  test("leave the bytes to the last of them, in whatever order they are deleted", async () => {
    const room = await createRoom(store());
    const [, bob] = room.people as [Person, Person];
    for (const order of [
      [0, 1, 2],
      [2, 0, 1],
      [1, 2, 0],
    ]) {
      const original = await sent(room, 1);
      const [content = ""] = original.ids;
      const copies = [await share(room, original, bob), await share(room, original, bob)];
      const all = [content, ...copies.flatMap(({ ids }) => ids)];
      const [first = "", second = "", last = ""] = order.map((at) => all[at]);
      await remove(first);
      expect(await unwanted(...all)).toEqual(new Map([[first, null]]));
      expect(await store().messages.needsContent(content)).toBe(true);
      await remove(second, last);
      expect(await store().messages.needsContent(content)).toBe(false);
      expect(await unwanted(...all)).toEqual(
        new Map([
          [second, content],
          [last, content],
        ]),
      );
      expect(await unwanted(...all)).toEqual(new Map());
    }
  });

  test("are discarded only while they wait", async () => {
    const room = await createRoom(store());
    const [, bob] = room.people as [Person, Person];
    const original = await sent(room, 1);
    const copy = await share(room, original, bob);
    await store().transaction((tx) => tx.messages.discardAttachments([...original.ids, ...copy.ids]));
    expect(await store().messages.attachments([...original.ids, ...copy.ids])).toHaveLength(1);
  });
}
