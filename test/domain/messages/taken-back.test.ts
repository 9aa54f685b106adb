/** What was edited away, deleted or has expired: who may still learn of it, and what it still counts for. */
import { expect, test } from "vitest";
import type { Room } from "../../../src/domain/model.ts";
import { describeDomain, message, type Person } from "../world.ts";

describeDomain("messages that were taken back", (world) => {
  async function setting(names = ["Ada", "Bob"]) {
    const people: Person[] = [];
    for (const name of names) people.push(await world.person(name));
    const room = await world.group(people);
    return { room, people, ada: people[0] as Person, bob: people[1] as Person };
  }

  const say = async ({ actor }: Person, { token }: Room, text: string, more: object = {}) =>
    (await world.useCases.messages.send(actor, token, message(text, more))).seq;

  const listed = async (person: Person, { id }: Room) => {
    const [listing] = await world.store.roomLists.list(`u:${person.id}`, [id]);
    const { unread, mentions, last } = listing!;
    return { unread, mentions, last: last && JSON.parse(last.dataJson).text };
  };

  test("an expired message is unread no more, mentions nobody, and is nobody's last one", async () => {
    const { room, ada, bob } = await setting();
    const { roomSettings, timeline } = world.useCases;
    await say(ada, room, "stays");
    await roomSettings.setMessageTimer(ada.actor, room.token, 60_000);
    const seq = await say(ada, room, "goes", { mentions: [String(bob.id)] });
    expect(await listed(bob, room)).toEqual({ unread: 2, mentions: 1, last: "goes" });
    const [event] = await world.store.messages.at([{ roomId: room.id, seq }]);
    await timeline.sweep((event?.at ?? 0) + 60_001);
    expect(await listed(bob, room)).toEqual({ unread: 1, mentions: 0, last: "stays" });
  });

  test("an edit says whom it mentions; one that does not leaves out whom the text names no more", async () => {
    const { room, ada, bob } = await setting();
    const { messages } = world.useCases;
    const mentions = [String(bob.id)];
    const edits: [before: string, input: { text: string; mentions?: string[] }, mentioned: number][] = [
      ["hello", { text: "hello, you", mentions }, 1],
      ["hello, Bob", { text: "hello", mentions: [] }, 0],
      ["hello, Bob", { text: "Bob, hello" }, 1],
      [`hello @${bob.user.handle}`, { text: "hello" }, 0],
      ["hello", { text: "hello there" }, 1],
    ];
    for (const [before, input, mentioned] of edits) {
      const seq = await say(ada, room, before, before === "hello" && input.mentions ? {} : { mentions });
      await messages.edit(ada.actor, room.token, seq, input);
      expect((await listed(bob, room)).mentions, JSON.stringify([before, input])).toBe(mentioned);
      await messages.markRead(bob.actor, room.token, seq);
    }
  });

  test("history and lists tell who joined later nothing of what they may not see", async () => {
    const { room, ada, bob } = await setting();
    const cy = await world.person("Cy");
    const { messages, reactions, pins, roomLifecycle, timeline } = world.useCases;
    const seq = await say(ada, room, "before Cy");
    await roomLifecycle.addMembers(ada.actor, room.token, [{ member: cy.actor, role: "user" }]);
    await messages.edit(ada.actor, room.token, seq, { text: "before Cy, edited" });
    await reactions.add(bob.actor, room.token, seq, "telling");
    await pins.pin(ada.actor, room.token, seq);
    const dataOf = async ({ actor }: Person) => {
      const { events } = await messages.history(actor, room.token, { limit: 3 });
      const types = ["message.edited", "reaction.added", "message.pinned"] as const;
      const page = await timeline.page(actor, room.token, { limit: 3, types });
      const inList = page.entries.map(({ event }) => event.dataJson).reverse();
      expect(inList).toEqual(events.map(({ dataJson }) => dataJson));
      return inList.map((json) => JSON.parse(json));
    };
    expect(await dataOf(cy)).toEqual(Array(3).fill({ seq, hidden: true }));
    expect(await dataOf(bob)).toEqual([
      { seq, text: "before Cy, edited", mentions: [], attachments: [] },
      { seq, name: "telling" },
      { seq },
    ]);
  });

  test("an edit of the text alone still tells the files, which an earlier edit may have changed", async () => {
    const { room, ada } = await setting();
    const seq = await say(ada, room, "files");
    const shown = { id: "abcdefgh12345678", filename: "a.txt", type: "text/plain", size: 1 };
    await world.store.transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.messages.rewriteAttachments({ roomId: room.id, seq }, [shown]);
    });
    await world.useCases.messages.edit(ada.actor, room.token, seq, { text: "files, edited" });
    const edit = (await world.events(room)).at(-1);
    expect(JSON.parse(edit?.dataJson ?? "")).toMatchObject({ text: "files, edited", attachments: [shown] });
  });
});
