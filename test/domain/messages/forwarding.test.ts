/** Forwarding: what the copy says, who may read what is sent on, and what becomes of it later. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { EventData, Room } from "../../../src/domain/model.ts";
import { userActor } from "../../../src/domain/model.ts";
import type { SendInput } from "../../../src/domain/use-cases/sending.ts";
import { account, describeDomain, message, PASSWORD, type Person, refused } from "../world.ts";

const HOUR = 3_600_000;

describeDomain("forwarding", (world) => {
  /** Ada reads in `source`, where Bob wrote; Ada and Cleo are in `target`. */
  async function setting() {
    const [ada, bob, cleo] = [
      await world.person("Ada"),
      await world.person("Bob"),
      await world.person("Cleo"),
    ];
    const [source, target] = [await world.group([bob, ada]), await world.group([ada, cleo])];
    return { ada, bob, cleo, source, target };
  }
  const say = (person: Person, room: Room, text: string, more: Partial<SendInput> = {}) =>
    world.useCases.messages.send(person.actor, room.token, message(text, more));
  function forward(
    person: Person,
    [room, seq]: readonly [Room, number],
    target: Room,
    more: Partial<SendInput> = {},
  ) {
    const input = { id: randomUUID(), text: "", forward: { room: room.token, seq }, ...more };
    return world.useCases.messages.send(person.actor, target.token, input);
  }
  async function dataOf(room: Room, seq: number): Promise<EventData["message"]> {
    const [event] = await world.store.messages.at([{ roomId: room.id, seq }]);
    return JSON.parse(event?.dataJson ?? "null");
  }

  test("[GW-5.11] the copy says what the original says, names its author and time, and mentions nobody", async () => {
    const { ada, bob, cleo, source, target } = await setting();
    const mentions = [String(cleo.id), "all"];
    const told = { format: "markdown", type: "location", data: { lat: 1 } } as const;
    const sent = await say(bob, source, "*here*, @Cleo", { mentions, ...told, silent: true });
    const { seq, event } = await forward(ada, [source, sent.seq], target);
    const forwarded = { actor: { kind: "user", id: String(bob.id), name: "Bob" }, at: sent.at, mentions };
    const { format, type: kind, data } = told;
    const expected = { text: "*here*, @Cleo", format, kind, data, forwarded };
    expect(await dataOf(target, seq)).toEqual(expected);
    expect(JSON.parse(event?.dataJson ?? "")).toEqual(expected);
    expect(event?.actor).toEqual(ada.actor);
    const [counted] = await world.store.log.unread(target.id, [`u:${cleo.id}`]);
    expect(counted).toMatchObject({ unread: 1, mentions: 0 });
    expect(JSON.stringify(expected)).not.toContain(source.token);
  });

  test("[GW-5.11] goes where it is said to go: silently, as an answer, into a thread, and into its own room", async () => {
    const { ada, bob, source, target } = await setting();
    const { seq: root } = await say(ada, target, "root");
    const sent = await say(bob, source, "words");
    const { seq, thread } = await forward(ada, [source, sent.seq], target, {
      ...{ silent: true, replyTo: root, thread: root },
    });
    expect(thread).toBe(root);
    expect(await dataOf(target, seq)).toMatchObject({
      text: "words",
      silent: true,
      replyTo: root,
      thread: root,
    });
    const again = await forward(ada, [source, sent.seq], source);
    expect(await dataOf(source, again.seq)).toMatchObject({ text: "words", forwarded: { at: sent.at } });
  });

  test("[GW-5.11] a forward that is sent on names the first author", async () => {
    const { ada, bob, cleo, source, target } = await setting();
    const further = await world.group([cleo]);
    const sent = await say(bob, source, "first", { mentions: [String(ada.id)] });
    const once = await forward(ada, [source, sent.seq], target);
    const twice = await forward(cleo, [target, once.seq], further);
    expect(await dataOf(further, twice.seq)).toEqual(await dataOf(target, once.seq));
  });

  test("[GW-5.12] needs what reading needs: nothing is sent on that the caller may not read", async () => {
    const { ada, bob, cleo, source, target } = await setting();
    const { messages, roomLifecycle, roomSettings } = world.useCases;
    const before = await say(bob, source, "before");
    await roomLifecycle.addMembers(bob.actor, source.token, [{ member: cleo.actor, role: "user" }]);
    const { seq } = await say(bob, source, "words");
    const joined = (await world.events(source)).find(
      ({ type, seq: at }) => type === "member.joined" && at > before.seq,
    );
    await forward(cleo, [source, seq], target);
    for (const hidden of [before.seq, joined?.seq ?? 0, 999])
      await refused(forward(cleo, [source, hidden], target), "not_found", "forward.seq");
    await refused(forward(ada, [source, 0], target), "bad_request", "forward.seq");
    await refused(
      forward(cleo, [{ ...source, token: "nonsense" }, seq], target),
      "not_found",
      "forward.room",
    );
    const strange = await world.group([bob]);
    const strangers = await say(bob, strange, "not for Ada");
    await refused(forward(ada, [strange, strangers.seq], target), "not_found", "forward.room");

    await roomSettings.setLobby(bob.actor, source.token, { on: true });
    await refused(forward(ada, [source, seq], target), "lobby", "forward.room");
    await forward(bob, [source, seq], strange);
    await roomSettings.setLobby(bob.actor, source.token, { on: false });
    await messages.remove(bob.actor, source.token, seq);
    await refused(forward(ada, [source, seq], target), "not_found", "forward.seq");
    const other = await say(bob, source, "other");
    await messages.hide(ada.actor, source.token, other.seq);
    await refused(forward(ada, [source, other.seq], target), "not_found", "forward.seq");
    await forward(cleo, [source, other.seq], target);
    await roomLifecycle.leave(ada.actor, source.token);
    await refused(forward(ada, [source, other.seq], target), "not_found", "forward.room");
  });

  test("[GW-5.12] what has expired is not sent on, and a copy expires by its own room's timer", async () => {
    const { ada, bob, source, target } = await setting();
    const { roomSettings, timeline } = world.useCases;
    await roomSettings.update(bob.actor, source.token, { messageTimer: 60_000 });
    const { seq } = await say(bob, source, "soon gone");
    const copy = await forward(ada, [source, seq], target);
    await timeline.sweep(Date.now() + HOUR);
    await refused(forward(ada, [source, seq], target), "not_found", "forward.seq");
    expect(await dataOf(target, copy.seq)).toMatchObject({ text: "soon gone" });
  });

  test("[GW-5.12] needs in the target what a send needs there", async () => {
    const { ada, bob, cleo, source, target } = await setting();
    const { seq } = await say(bob, source, "words");
    await refused(forward(bob, [source, seq], target), "not_found", "room");
    const { roomSettings } = world.useCases;
    await roomSettings.update(ada.actor, target.token, { posting: "moderators" });
    await world.useCases.roomLifecycle.addMembers(bob.actor, source.token, [
      { member: cleo.actor, role: "user" },
    ]);
    const later = await say(bob, source, "later");
    await refused(forward(cleo, [source, later.seq], target), "forbidden");
    await roomSettings.update(ada.actor, target.token, { posting: "all" });
    await roomSettings.update(ada.actor, target.token, { readOnly: true });
    await refused(forward(ada, [source, seq], target), "read_only");
  });

  test("[GW-5.11] has no words of its own", async () => {
    const { ada, bob, source, target } = await setting();
    const { seq } = await say(bob, source, "words");
    const own: Partial<SendInput>[] = [
      { text: "mine" },
      { mentions: ["all"] },
      { attachments: ["0123456789abcdef"] },
      { format: "markdown" },
      { type: "poll" },
      { type: "poll", data: {} },
    ];
    for (const more of own) {
      const [field] = Object.keys(more) as [string];
      await refused(forward(ada, [source, seq], target, more), "bad_request", field);
    }
    await forward(ada, [source, seq], target, { mentions: [], attachments: [] });
  });

  test("[GW-5.2] is stored once under its id, whatever became of the original and of the sender", async () => {
    const { ada, bob, source, target } = await setting();
    const { seq } = await say(bob, source, "words");
    const id = randomUUID();
    const first = await forward(ada, [source, seq], target, { id });
    const twice = { seq: first.seq, at: first.at, duplicate: true, event: null };
    expect(await forward(ada, [source, seq], target, { id })).toEqual(twice);
    const others = await forward(ada, [source, 999], target, { id });
    expect(others).toEqual(twice);
    await world.useCases.messages.remove(bob.actor, source.token, seq);
    expect(await forward(ada, [source, seq], target, { id })).toEqual(twice);
    await world.useCases.roomLifecycle.leave(ada.actor, source.token);
    await world.useCases.roomLifecycle.leave(ada.actor, target.token);
    expect(await forward(ada, [source, seq], target, { id })).toEqual(twice);
  });

  test("[GW-5.13] edits and deletions of the original don't reach the copy, and the copy is not edited", async () => {
    const { ada, bob, source, target } = await setting();
    const { messages } = world.useCases;
    const { seq } = await say(bob, source, "as it was");
    const copy = await forward(ada, [source, seq], target);
    await messages.edit(bob.actor, source.token, seq, { text: "as it is" });
    const second = await forward(ada, [source, seq], target);
    await messages.remove(bob.actor, source.token, seq);
    expect(await dataOf(target, copy.seq)).toMatchObject({ text: "as it was" });
    expect(await dataOf(target, second.seq)).toMatchObject({ text: "as it is" });
    const edit = messages.edit(ada.actor, target.token, copy.seq, { text: "put into Bob's mouth" });
    await refused(edit, "forbidden");
    await messages.remove(ada.actor, target.token, copy.seq);
    expect(await dataOf(target, copy.seq)).toEqual({ text: "", deleted: true });
  });

  test("[GW-5.13] an author who deletes their account is named no more, also by what is sent on later", async () => {
    const { ada, source, target, bob } = await setting();
    const user = await account(world);
    const actor = userActor(user);
    const { messages, roomLifecycle, accountDeletions } = world.useCases;
    await roomLifecycle.addMembers(bob.actor, source.token, [{ member: actor, role: "user" }]);
    const { seq } = await messages.send(actor, source.token, message('"forwarded":{"actor"'));
    const copy = await forward(ada, [source, seq], target);
    const proof = { password: PASSWORD, ip: "192.0.2.1", credential: { via: "password" } } as const;
    await accountDeletions.delete(user, proof, { erase: false });
    const soon = await forward(ada, [source, seq], target);
    expect(await dataOf(target, soon.seq)).toMatchObject({ forwarded: { actor: { name: "Deleted user" } } });
    await accountDeletions.sweep();
    expect(await dataOf(target, copy.seq)).toMatchObject({
      text: '"forwarded":{"actor"',
      forwarded: { actor: { kind: "user", id: String(user.id), name: "Deleted user" } },
    });
  });

  test("[GW-5.13] an author whose account is deleted while their words are sent on is named no more, either", async () => {
    const { ada, bob, source, target } = await setting();
    const user = await account(world);
    const actor = userActor(user);
    const { messages, roomLifecycle, accountDeletions } = world.useCases;
    await roomLifecycle.addMembers(bob.actor, source.token, [{ member: actor, role: "user" }]);
    const { seq } = await messages.send(actor, source.token, message("words"));
    const proof = { password: PASSWORD, ip: "192.0.2.1", credential: { via: "password" } } as const;
    const append = world.store.log.append;
    world.store.log.append = async (input) => {
      world.store.log.append = append;
      await accountDeletions.delete(user, proof, { erase: false });
      await accountDeletions.sweep();
      return await append(input);
    };
    const copy = await forward(ada, [source, seq], target);
    await accountDeletions.sweep();
    expect(await dataOf(target, copy.seq)).toMatchObject({ forwarded: { actor: { name: "Deleted user" } } });
  });
});
