/** What the files of one person, and of one organization, may take together. */
import { expect, test } from "vitest";
import { type Actor, memberKey } from "../../../src/domain/model.ts";
import { foldFileUsage } from "../../../src/store/log/attachments.ts";
import { memoryFiles } from "../../attachments/memory.ts";
import { describeDomain, matrixUser, message, type Person, refused } from "../world.ts";

const HOUR = 3_600_000;
const ORGANIZATION = 30;
const USER = 20;

describeDomain("bounds on files", (world) => {
  const files = memoryFiles();
  const settings = { passwordMinLength: 1, rateLimits: false };
  const bounds = { perUser: USER, perOrganization: ORGANIZATION };
  const cases = () => world.another({ files, settings: { ...settings, files: bounds } });
  const upload = (actor: Actor, size: number, more: object = {}) =>
    cases().attachments.upload(actor, {
      ...{ filename: "a.bin", content: new Blob(["x".repeat(size)]).stream() },
      ...more,
    });
  async function send(person: Person, room: { token: string }, size: number) {
    const file = await upload(person.actor, size);
    return await cases().messages.send(person.actor, room.token, message("x", { attachments: [file.id] }));
  }
  /** Fills up what the person has left of `most`, after which nothing has room. */
  async function expectFree(actor: Actor, free: number, more: object = {}) {
    await refused(upload(actor, free + 1, more), "too_large", "file");
    if (free > 0) await upload(actor, free, more);
    await refused(upload(actor, 1, more), "too_large", "file");
  }

  test("a person's: the refusal has the numbers, and names whose bound it is", async () => {
    const ada = await world.person();
    await upload(ada.actor, 12);
    const { message: text } = await refused(upload(ada.actor, 9), "too_large", "file");
    expect(text).toBe(
      "file has 9 bytes and there is no room for it: 12 of 20 bytes are used. Your files may not take more together; delete some",
    );
    await expectFree(ada.actor, 8);
  });

  test("0 is no bound", async () => {
    const ada = await world.person();
    const { attachments } = world.another({
      files,
      settings: { ...settings, files: { perUser: 0, perOrganization: 0 } },
    });
    for (const size of [USER, ORGANIZATION])
      await attachments.upload(ada.actor, { filename: "a", content: new Blob(["x".repeat(size)]).stream() });
    await refused(upload(ada.actor, 1), "too_large");
  });

  test("an organization's: of all of its people, also of one who was deleted, until the files go", async () => {
    const org = await world.organization();
    const [ada, bob, cleo] = [
      await world.person("A", org),
      await world.person("B", org),
      await world.person("C", org),
    ];
    const room = await world.group([ada, bob], ["moderator"]);
    await send(ada, room, 6);
    await upload(ada.actor, 9);
    await upload(bob.actor, 10);
    const { message: text } = await refused(upload(cleo.actor, 6), "too_large", "file");
    expect(text).toMatch(/25 of 30 bytes are used\. Your organization's files/);
    await cases().directory.deleteUser(ada.id);
    await refused(upload(cleo.actor, 6), "too_large", "file");
    await cases().attachments.sweep(world.clock.now + 25 * HOUR);
    await upload(cleo.actor, 18);
    await upload(bob.actor, 6);
    await refused(upload(bob.actor, 1), "too_large", "file");
    await cases().roomLifecycle.delete(bob.actor, room.token);
    await upload(bob.actor, 6);
  });

  test("uploads that race for the last room: only so many get in as have room", async () => {
    const org = await world.organization();
    const people = [await world.person("A", org), await world.person("B", org), await world.person("C", org)];
    const uploads = people.flatMap(({ actor }) => Array.from({ length: 8 }, () => upload(actor, 4)));
    const results = await Promise.allSettled(uploads);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(7);
  });

  test("deleting gives room back: of a file, its message, its place in it, its room, by time, unsent", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const { messages, attachments, roomLifecycle, roomSettings, timeline } = cases();
    const full = () => refused(upload(ada.actor, 1), "too_large", "file");
    const room = await world.group([ada, bob]);
    const waiting = await upload(ada.actor, USER);
    await full();
    await attachments.delete(ada.actor, waiting.id);
    const deleted = await send(ada, room, USER);
    await full();
    await messages.remove(ada.actor, room.token, deleted.seq);
    const edited = await send(ada, room, USER);
    await full();
    await messages.edit(ada.actor, room.token, edited.seq, { text: "without it", attachments: [] });
    const other = await world.group([ada, bob]);
    await send(ada, other, USER);
    await full();
    await roomLifecycle.delete(ada.actor, other.token);
    await roomSettings.setMessageTimer(ada.actor, room.token, 1_000);
    await send(ada, room, USER);
    await full();
    await timeline.sweep(Date.now() + 60_000);
    await upload(ada.actor, USER);
    await full();
    await attachments.sweep(world.clock.now + 25 * HOUR);
    await expectFree(ada.actor, USER);
  });

  test("a person of Matrix: their own, and their room's organization's; a file that is tried again counts once", async () => {
    const org = await world.organization();
    const { room } = await cases().chatrooms.create(org.principal, {
      organizationId: org.id,
      name: "Room",
    });
    const { id } = room;
    const [mel, mia] = [matrixUser(), matrixUser()];
    for (let i = 0; i < 2; i++) await upload(mel, 12, { key: "$one", room: id });
    await refused(upload(mel, 9, { key: "$two", room: id }), "too_large", "file");
    await upload(mel, 8, { key: "$two", room: id });
    await refused(upload(mia, 11, { key: "$three", room: id }), "too_large", "file");
    await upload(mia, 10, { key: "$three", room: id });
    const colleague = await world.person("Ada", org);
    await expectFree(colleague.actor, 0);
  });

  test("housekeeping takes up what was given back by those who never upload again", async () => {
    const ada = await world.person();
    const file = await upload(ada.actor, 7);
    await cases().attachments.delete(ada.actor, file.id);
    const { sql } = world.store;
    await foldFileUsage(world.store);
    const key = memberKey(ada.actor);
    expect(await sql`select bytes from file_usage where key = ${key}`).toMatchObject([{ bytes: 0 }]);
    expect(await sql`select key from file_usage_changes where key = ${key}`).toHaveLength(0);
  });
});
