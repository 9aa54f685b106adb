/** Files: uploaded, sent with a message, seen by its readers, gone with it. */
import { expect, test } from "vitest";
import { bytesOf } from "../../attachments/contract.ts";
import { memoryFiles } from "../../attachments/memory.ts";
import { describeDomain, message, type Person, refused } from "../world.ts";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const HOUR = 3_600_000;

describeDomain("attachments", (world) => {
  const files = memoryFiles();
  const cases = () => world.another({ files });
  const upload = (person: Person, filename = "note.txt", content = new Blob(["hello"])) =>
    cases().attachments.upload(person.actor, { filename, content: content.stream() });

  async function pair() {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    return { ada, bob, room: await world.group([ada, bob]) };
  }

  test("are known by their content first, then by their name", async () => {
    const { ada } = await pair();
    const types = [
      (await upload(ada, "photo.txt", new Blob([PNG]))).type,
      (await upload(ada, "notes.md")).type,
      (await upload(ada, "no extension")).type,
    ];
    expect(types).toEqual(["image/png", "text/markdown", "application/octet-stream"]);
  });

  test("under one key are one file, also after the storage failed and after it was sent", async () => {
    const { ada, bob, room } = await pair();
    const { attachments, messages } = cases();
    const again = (person: Person) =>
      attachments.upload(person.actor, { filename: "a.txt", content: new Blob(["same"]).stream(), key: "k" });
    files.away = true;
    await refused(again(ada), "unavailable");
    files.away = false;
    const file = await again(ada);
    expect((await again(ada)).id).toBe(file.id);
    expect((await again(bob)).id).not.toBe(file.id);
    expect(String(files.kept.get(file.id))).toBe("same");
    const { seq } = await messages.send(ada.actor, room.token, message("look", { attachments: [file.id] }));
    expect(await again(ada)).toEqual({ ...file, place: { roomId: room.id, seq }, room: room.token });
    await messages.remove(ada.actor, room.token, seq);
    await refused(again(ada), "conflict");
  });

  test("keep their bytes, whatever comes under their key later", async () => {
    const { ada } = await pair();
    const { attachments } = cases();
    const under = (text: string) =>
      attachments.upload(ada.actor, { filename: "a.txt", content: new Blob([text]).stream(), key: "kept" });
    const { id } = await under("first");
    await refused(under("something much longer"), "conflict");
    expect((await under("other")).id).toBe(id);
    expect(String(files.kept.get(id))).toBe("first");
  });

  test("wait for their message, seen by nobody else, and are seen by its readers once it is sent", async () => {
    const { ada, bob, room } = await pair();
    const { attachments, messages, timeline } = cases();
    const file = await upload(ada);
    await refused(attachments.get(bob.actor, file.id), "not_found");
    const { seq } = await messages.send(ada.actor, room.token, message("look", { attachments: [file.id] }));
    const place = { roomId: room.id, seq };
    expect(await attachments.get(bob.actor, file.id)).toEqual({ ...file, place, room: room.token });
    const view = await timeline.message(bob.actor, { roomId: room.id, seq });
    expect(view.attachments.map(({ id }) => id)).toEqual([file.id]);
    const event = (await world.events(room)).at(-1);
    expect(JSON.parse(event?.dataJson ?? "")).toEqual({
      text: "look",
      attachments: [{ id: file.id, filename: "note.txt", type: "text/plain", size: 5 }],
    });
    expect(String(await bytesOf(await attachments.open(bob.actor, file.id)))).toBe("hello");
    const part = { first: 1, last: 3 };
    expect(String(await bytesOf(await attachments.open(bob.actor, file.id, part)))).toBe("ell");
    await refused(attachments.get((await world.person()).actor, file.id), "not_found");
  });

  test("are sent once: a retry gets the first result, another message is refused", async () => {
    const { ada, bob, room } = await pair();
    const { messages } = cases();
    const file = await upload(ada);
    const input = message("look", { attachments: [file.id] });
    const first = await messages.send(ada.actor, room.token, input);
    expect(await messages.send(ada.actor, room.token, input)).toEqual({
      ...first,
      duplicate: true,
      event: null,
    });
    const again = (who: Person, ids: string[]) =>
      messages.send(who.actor, room.token, message("again", { attachments: ids }));
    await refused(again(ada, [file.id]), "bad_request", "attachments");
    await refused(again(bob, [(await upload(ada)).id]), "bad_request", "attachments");
    await refused(again(ada, ["nonsense"]), "bad_request", "attachments");
    await refused(again(ada, Array(21).fill(file.id)), "bad_request", "attachments");
  });

  test("of a message are replaced by its author; what is left out is deleted", async () => {
    const { ada, bob, room } = await pair();
    const { messages, timeline, attachments } = cases();
    const [one, two, three] = [await upload(ada), await upload(ada, "2.txt"), await upload(ada, "3.txt")];
    const sent = message("files", { attachments: [one.id, two.id] });
    const { seq } = await messages.send(ada.actor, room.token, sent);
    await messages.edit(ada.actor, room.token, seq, { text: "files", attachments: [two.id, three.id] });
    const view = await timeline.message(bob.actor, { roomId: room.id, seq });
    expect(view.attachments.map(({ filename }) => filename)).toEqual(["2.txt", "3.txt"]);
    const data = JSON.parse((await world.events(room)).at(-1)?.dataJson ?? "");
    expect(data.attachments.map(({ id }: { id: string }) => id)).toEqual([two.id, three.id]);
    await refused(attachments.get(ada.actor, one.id), "not_found");
    const foreign = await upload(bob);
    await refused(
      messages.edit(ada.actor, room.token, seq, { text: "files", attachments: [foreign.id] }),
      "bad_request",
      "attachments",
    );
  });

  test("go with their message, their room, or by themselves, and their bytes with the next sweep", async () => {
    const { ada, bob, room } = await pair();
    const { messages, attachments, roomLifecycle, timeline } = cases();
    const send = async (token: string) => {
      const file = await upload(ada);
      return { file, ...(await messages.send(ada.actor, token, message("x", { attachments: [file.id] }))) };
    };
    const [first, second] = [await send(room.token), await send(room.token)];
    const other = await world.group([ada, bob]);
    const third = await send(other.token);
    await messages.remove(ada.actor, room.token, first.seq);
    await refused(attachments.delete(bob.actor, second.file.id), "forbidden");
    await attachments.delete(ada.actor, second.file.id);
    await roomLifecycle.delete(ada.actor, other.token);
    for (const { file } of [first, second, third]) {
      await refused(attachments.get(ada.actor, file.id), "not_found");
      expect(files.kept.has(file.id)).toBe(true);
    }
    await attachments.sweep(world.clock.now);
    for (const { file } of [first, second, third]) expect(files.kept.has(file.id)).toBe(false);
    const view = await timeline.message(bob.actor, { roomId: room.id, seq: second.seq });
    expect({ text: view.text, attachments: view.attachments }).toEqual({ text: "x", attachments: [] });
  });

  test("that nobody sends are removed after a day", async () => {
    const { ada } = await pair();
    const { attachments } = cases();
    const file = await upload(ada);
    await attachments.sweep(world.clock.now + 23 * HOUR);
    expect(await attachments.get(ada.actor, file.id)).toMatchObject({ id: file.id });
    await attachments.sweep(world.clock.now + 25 * HOUR);
    await refused(attachments.get(ada.actor, file.id), "not_found");
    expect(files.kept.has(file.id)).toBe(false);
  });

  test("have names, bytes and a bound; a place for bytes that is away leaves nothing behind", async () => {
    const { ada } = await pair();
    await refused(upload(ada, " "), "bad_request", "filename");
    await refused(upload(ada, "a/b"), "bad_request", "filename");
    await refused(upload(ada, "a\nb"), "bad_request", "filename");
    await refused(upload(ada, "empty", new Blob([])), "bad_request", "file");
    await refused(upload(ada, "big", new Blob([Buffer.alloc(25 * 1024 * 1024 + 1)])), "too_large", "file");
    files.away = true;
    await refused(upload(ada), "unavailable");
    files.away = false;
    expect((await cases().attachments.list(ada.actor, { limit: 10 })).attachments).toEqual([]);
  });

  test("at most a hundred of one person wait to be sent", async () => {
    const { ada, bob } = await pair();
    for (let i = 0; i < 100; i++) await upload(ada);
    await refused(upload(ada), "too_large", "file");
    await upload(bob);
  });

  test("are listed newest first with cursors that outlive them, in one room or everywhere", async () => {
    const { ada, bob, room } = await pair();
    const { messages, attachments } = cases();
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) {
      world.clock.now += 1_000;
      const file = await upload(ada, `${i}.txt`);
      ids.unshift(file.id);
      if (i < 3) await messages.send(ada.actor, room.token, message("x", { attachments: [file.id] }));
    }
    const list = async (who: Person, page: object) =>
      (await attachments.list(who.actor, { limit: 10, ...page })).attachments.map(({ id }) => id);
    expect(await list(ada, {})).toEqual(ids);
    expect(await list(bob, {})).toEqual(ids.slice(1));
    expect(await list(ada, { room: room.token })).toEqual(ids.slice(1));
    await attachments.delete(ada.actor, ids[1] as string);
    expect(await list(bob, { startingAfter: ids[1] })).toEqual(ids.slice(2));
    expect(await list(ada, { endingBefore: ids[1] })).toEqual(ids.slice(0, 1));
    await refused(list(bob, { startingAfter: ids[0] }), "bad_request", "startingAfter");
    await world.useCases.roomSettings.setLobby(ada.actor, room.token, { on: true });
    expect(await list(bob, { startingAfter: ids[2] })).toEqual([]);
    await world.useCases.roomSettings.setLobby(ada.actor, room.token, { on: false });
    await attachments.rename(ada.actor, ids[2] as string, "renamed.txt");
    expect((await attachments.get(bob.actor, ids[2] as string)).filename).toBe("renamed.txt");
    expect(await attachments.rename(ada.actor, ids[2] as string, " renamed.txt ")).toMatchObject({
      ...{ changed: false, file: { filename: "renamed.txt" } },
    });
    await world.useCases.roomSettings.setReadOnly(ada.actor, room.token, true);
    await refused(attachments.rename(ada.actor, ids[2] as string, "locked.txt"), "read_only");
    await refused(attachments.rename(bob.actor, ids[2] as string, "mine.txt"), "forbidden");
  });
});
