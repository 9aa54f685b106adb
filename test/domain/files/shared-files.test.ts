/** Files of forwarded messages: they share the bytes of the original's, which go with the last file that has them. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { newPublicId } from "../../../src/domain/ids.ts";
import { memberKey, type Room, userActor } from "../../../src/domain/model.ts";
import { bytesOf } from "../../attachments/contract.ts";
import { memoryFiles } from "../../attachments/memory.ts";
import { account, describeDomain, message, PASSWORD, type Person, refused } from "../world.ts";

const HOUR = 3_600_000;
const USER = 20;
const MAX_WAIT_MS = 10_000;

/** What waits for `opened` goes on after `open`. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describeDomain("files of forwarded messages", (world) => {
  const files = memoryFiles();
  const settings = { passwordMinLength: 1, rateLimits: false };
  const cases = (bound = 0) =>
    world.another({ files, settings: { ...settings, files: { perUser: bound, perOrganization: 0 } } });
  const sweep = () => cases().attachments.sweep(world.clock.now + 25 * HOUR);
  const known = (content: string) => String(files.kept.get(content) ?? null);

  async function setting() {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const [source, target] = [await world.group([bob, ada]), await world.group([ada])];
    return { ada, bob, source, target };
  }
  async function sendFiles(person: Pick<Person, "actor">, room: Room, ...contents: string[]) {
    const { attachments, messages } = cases();
    const ids: string[] = [];
    for (const content of contents) {
      const input = { filename: `${content}.txt`, content: new Blob([content]).stream() };
      ids.push((await attachments.upload(person.actor, input)).id);
    }
    return { ids, ...(await messages.send(person.actor, room.token, message("", { attachments: ids }))) };
  }
  async function forward(person: Person, [room, seq]: readonly [Room, number], target: Room, bound = 0) {
    const { messages } = cases(bound);
    const input = { id: randomUUID(), text: "", forward: { room: room.token, seq } };
    const sent = await messages.send(person.actor, target.token, input);
    const { attachments = [] } = JSON.parse(sent.event?.dataJson ?? "{}");
    return { ...sent, files: attachments as { id: string; filename: string; size: number; type: string }[] };
  }
  async function textOf(person: Pick<Person, "actor">, id: string): Promise<string> {
    return String(await bytesOf(await cases().attachments.open(person.actor, id)));
  }
  /** What counts for somebody. */
  async function usedBy(person: Pick<Person, "actor">): Promise<number> {
    const key = memberKey(person.actor);
    const [row] = await world.store.sql<{ bytes: number }[]>`
      select coalesce((select bytes from file_usage where key = ${key}), 0)
        + coalesce((select sum(bytes) from file_usage_changes where key = ${key}), 0)::bigint as bytes`;
    return Number(row?.bytes);
  }

  test("[GW-5.14] are other files with the same bytes, in the order of the original's", async () => {
    const { ada, bob, source, target } = await setting();
    const { ids, seq } = await sendFiles(bob, source, "one", "two");
    const before = files.kept.size;
    const copy = await forward(ada, [source, seq], target);
    expect(copy.files.map(({ filename, size, type }) => [filename, size, type])).toEqual([
      ["one.txt", 3, "text/plain"],
      ["two.txt", 3, "text/plain"],
    ]);
    expect(ids).not.toContain(copy.files[0]?.id);
    expect(files.kept.size).toBe(before);
    const [one, two] = copy.files.map(({ id }) => id) as [string, string];
    expect([await textOf(ada, one), await textOf(ada, two)]).toEqual(["one", "two"]);
    expect(String(await bytesOf(await (await cases().attachments.linked(two)).open()))).toBe("two");
    await refused(cases().attachments.get(bob.actor, one), "not_found");
    expect(
      (await cases().attachments.list(ada.actor, { room: target.token, limit: 10 })).attachments,
    ).toHaveLength(2);
  });

  test("[GW-5.14] the bytes stay until the last file that has them is deleted, by whatever way", async () => {
    const user = await account(world);
    const bob = { actor: userActor(user) };
    const ada = await world.person("Ada");
    const source = await world.group([ada]);
    await cases().roomLifecycle.addMembers(ada.actor, source.token, [{ member: bob.actor, role: "user" }]);
    const ways: ((room: Room, seq: number, file: string) => Promise<unknown>)[] = [
      (room, seq) => cases().messages.remove(ada.actor, room.token, seq),
      (_, __, file) => cases().attachments.delete(ada.actor, file),
      (room) => cases().roomLifecycle.delete(ada.actor, room.token),
      () => cases().timeline.sweep(Date.now() + HOUR),
    ];
    for (const way of ways) {
      const {
        ids: [original = ""],
        seq,
      } = await sendFiles(bob, source, "kept");
      const target = await world.group([ada]);
      await cases().roomSettings.update(ada.actor, target.token, { messageTimer: 60_000 });
      const [first, second] = [
        await forward(ada, [source, seq], target),
        await forward(ada, [source, seq], source),
      ];
      const third = await forward(ada, [source, second.seq], source);
      await way(target, first.seq, first.files[0]?.id ?? "");
      await refused(cases().attachments.get(ada.actor, first.files[0]?.id ?? ""), "not_found");
      await sweep();
      expect(known(original)).toBe("kept");
      await cases().messages.remove(ada.actor, source.token, second.seq);
      await cases().messages.remove(bob.actor, source.token, seq);
      await sweep();
      expect(await textOf(ada, third.files[0]?.id ?? "")).toBe("kept");
      await cases().messages.remove(ada.actor, source.token, third.seq);
      await sweep();
      expect(known(original)).toBe("null");
    }
    const { ids, seq } = await sendFiles(bob, source, "erased");
    const proof = { password: PASSWORD, ip: "192.0.2.1", credential: { via: "password" } } as const;
    const copy = await forward(ada, [source, seq], source);
    await cases().accountDeletions.delete(user, proof, { erase: true });
    await cases().accountDeletions.sweep();
    await sweep();
    await refused(cases().attachments.get(ada.actor, ids[0] ?? ""), "not_found");
    expect(await textOf(ada, copy.files[0]?.id ?? "")).toBe("erased");
  });

  test("[GW-5.14] whoever sends a file on pays for it, as for a file of their own, until the copy goes", async () => {
    const { ada, bob, source, target } = await setting();
    const { seq } = await sendFiles(bob, source, "12345678");
    const copy = await forward(ada, [source, seq], target, USER);
    await forward(ada, [target, copy.seq], target, USER);
    expect([await usedBy(ada), await usedBy(bob)]).toEqual([16, 8]);
    const { message: text } = await refused(
      forward(ada, [source, seq], target, USER),
      "too_large",
      "forward.seq",
    );
    expect(text).toMatch(/file has 8 bytes .* 16 of 20 bytes are used/);
    await cases().messages.remove(bob.actor, source.token, seq);
    expect([await usedBy(ada), await usedBy(bob)]).toEqual([16, 0]);
    await cases().messages.remove(ada.actor, target.token, copy.seq);
    expect(await usedBy(ada)).toBe(8);
  });

  test("[GW-5.14] leave nothing behind where the message was sent before, or is refused", async () => {
    const { ada, bob, source, target } = await setting();
    const { seq } = await sendFiles(bob, source, "once");
    const input = { id: randomUUID(), text: "", forward: { room: source.token, seq } };
    const send = () => cases().messages.send(ada.actor, target.token, input);
    const results = await Promise.all(Array.from({ length: 8 }, send));
    expect(results.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(new Set(results.map((result) => result.seq)).size).toBe(1);
    await cases().roomSettings.update(ada.actor, target.token, { readOnly: true });
    await refused(forward(ada, [source, seq], target), "read_only");
    expect((await send()).duplicate).toBe(true);
    const answered = { ...input, id: randomUUID(), replyTo: 999 };
    await cases().roomSettings.update(ada.actor, target.token, { readOnly: false });
    await refused(cases().messages.send(ada.actor, target.token, answered), "bad_request", "replyTo");
    expect(await usedBy(ada)).toBe(4);
    const { attachments } = await cases().attachments.list(ada.actor, { limit: 100 });
    expect(attachments.filter(({ place }) => place === null)).toEqual([]);
  });

  test("[GW-5.14] a deletion waits for a forward that holds the file, and the bytes stay", async () => {
    const { ada, bob, source } = await setting();
    const {
      ids: [original = ""],
      seq,
    } = await sendFiles(bob, source, "raced");
    const shared = newPublicId();
    const [held, go] = [gate(), gate()];
    const wanted = {
      ...{ ids: [shared], sources: [original], from: { roomId: source.id, seq } },
      ...{ owner: memberKey(ada.actor), createdAt: world.clock.now },
    };
    const forwarding = world.store.transaction(async (tx) => {
      const { status } = await tx.messages.shareFiles(wanted, { ownerBytes: 0, organizationBytes: 0 });
      held.open();
      await go.opened;
      return status;
    });
    await held.opened;
    let isDeleted = false;
    const deletion = cases()
      .messages.remove(bob.actor, source.token, seq)
      .then(() => {
        isDeleted = true;
      });
    try {
      await somebodyWaits();
      await cases().attachments.sweep(world.clock.now);
      expect([isDeleted, known(original)]).toEqual([false, "raced"]);
    } finally {
      go.open();
    }
    expect(await forwarding).toBe("added");
    await deletion;
    await cases().attachments.sweep(world.clock.now);
    expect(await textOf(ada, shared)).toBe("raced");
    await sweep();
    expect(known(original)).toBe("null");
  });

  test("[GW-5.14] a forward waits for a deletion that holds the file, and finds it gone", async () => {
    const { ada, bob, source, target } = await setting();
    const {
      ids: [original = ""],
      seq,
    } = await sendFiles(bob, source, "raced");
    const [held, go] = [gate(), gate()];
    const deletion = world.store.transaction(async (tx) => {
      await tx.messages.deleteAttachments([original]);
      held.open();
      await go.opened;
    });
    await held.opened;
    const forwarding = forward(ada, [source, seq], target);
    const refusal = refused(forwarding, "not_found", "forward.seq");
    await somebodyWaits().finally(go.open);
    await deletion;
    await refusal;
    await sweep();
    expect([known(original), await usedBy(ada)]).toEqual(["null", 0]);
  });

  test("[GW-5.14] forwards and deletions of several files at once lose no bytes and leave none", async () => {
    const { ada, bob, source, target } = await setting();
    for (let round = 0; round < 5; round++) {
      const { ids, seq } = await sendFiles(bob, source, "a", "b", "c");
      const acts = Array.from({ length: 6 }, () => forward(ada, [source, seq], target).catch(() => null));
      const removed = cases().messages.remove(bob.actor, source.token, seq);
      const swept = cases().attachments.sweep(world.clock.now);
      const copies = (await Promise.all(acts)).filter((copy) => copy !== null);
      await Promise.all([removed, swept]);
      await cases().attachments.sweep(world.clock.now);
      for (const copy of copies)
        expect(await Promise.all(copy.files.map(({ id }) => textOf(ada, id)))).toEqual(["a", "b", "c"]);
      for (const copy of copies) await cases().messages.remove(ada.actor, target.token, copy.seq);
      await sweep();
      expect(ids.map(known)).toEqual(["null", "null", "null"]);
    }
  });

  /** Resolves when a connection to the database waits for a lock. */
  async function somebodyWaits(): Promise<void> {
    const end = performance.now() + MAX_WAIT_MS;
    while (performance.now() < end) {
      const [row] = await world.store.sql<{ waiting: number }[]>`
        select count(*)::int as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      if ((row?.waiting ?? 0) > 0) return;
    }
    throw new Error("Nobody waits for a lock");
  }
});
