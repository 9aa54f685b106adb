/** What edits do beside changing the text: whom they mention, and what comes back when they are taken back. */
import { expect, test } from "vitest";
import { type EventData, type Room, type User, userActor, userKey } from "../../../src/domain/model.ts";
import type { TimelineEvent } from "../matrix-user.ts";
import { describeBridge, until } from "../world.ts";

describeBridge("edits in the chat and in Matrix", (world) => {
  const mentionsOf = async (room: Room, seq: number) => {
    const event = (await world.events(room)).find((one) => one.seq === seq);
    return (JSON.parse(event?.dataJson ?? "{}") as EventData["message"]).mentions ?? [];
  };
  const isMentioned = async (room: Room, user: User) => {
    const [state] = await world.store.log.unread(room.id, [userKey(user.id)]);
    return (state?.mentions ?? 0) > 0;
  };
  const replaces = (eventId: string, body: string, more: object = {}, added: object = {}) => ({
    ...{ msgtype: "m.text", body: `* ${body}`, ...added },
    "m.new_content": { msgtype: "m.text", body, ...more },
    "m.relates_to": { rel_type: "m.replace", event_id: eventId },
  });
  const named = (...user_ids: string[]) => ({ "m.mentions": { user_ids } });
  const edits = (timeline: TimelineEvent[]) =>
    timeline.filter(({ content }) => content["m.new_content"] !== undefined);
  const bodyIn = (timeline: TimelineEvent[], body: string) =>
    timeline.find(({ content }) => content.body === body)?.event_id ?? "";

  test("who is mentioned by an edit in the chat is mentioned in Matrix, and nobody twice", async () => {
    const { ada, ben, room, matrixRoom } = await world.meeting();
    const { messages } = world.useCases;
    const [a, b] = [world.ghosts.ofUser(ada.id), world.ghosts.ofUser(ben.id)];
    const seq = await world.say(ada, room, "see you", { mentions: [String(ben.id)] });
    await world.mirrored(room);
    const edit = async (text: string, mentions: string[]) => {
      await messages.edit(userActor(ada), room.token, seq, { text, mentions });
      await world.mirrored(room);
      return edits(await world.bot.timeline(matrixRoom)).at(-1)?.content;
    };
    const second = await edit("see you all", [String(ben.id), String(ada.id), "all"]);
    expect(second?.["m.mentions"]).toEqual({ user_ids: [a], room: true });
    expect(second?.["m.new_content"]).toMatchObject({ "m.mentions": { user_ids: [b, a], room: true } });
    const third = await edit("see you all!", [String(ben.id), String(ada.id), "all"]);
    expect(third?.["m.mentions"]).toEqual({});
    expect(third?.["m.new_content"]).toMatchObject({ "m.mentions": { user_ids: [b, a], room: true } });
  });

  test("an edit in the chat that adds a mention alone goes to Matrix", async () => {
    const { ada, ben, room, matrixRoom } = await world.meeting();
    const seq = await world.say(ada, room, "see you");
    await world.mirrored(room);
    const edit = { text: "see you", mentions: [String(ben.id)] };
    await world.useCases.messages.edit(userActor(ada), room.token, seq, edit);
    await world.mirrored(room);
    const [sent] = edits(await world.bot.timeline(matrixRoom));
    expect(sent?.content["m.mentions"]).toEqual({ user_ids: [world.ghosts.ofUser(ben.id)] });
  });

  test("who is mentioned by an edit in Matrix is mentioned in the chat, also by that alone, and is not told there again", async () => {
    const { ben, room, matrixRoom, client } = await world.meeting();
    const b = world.ghosts.ofUser(ben.id);
    const id = await client.say(matrixRoom, { msgtype: "m.text", body: "see you", "m.mentions": {} });
    await world.untilSaid(room, "Ada: see you");
    expect(await isMentioned(room, ben)).toBe(false);
    await client.say(matrixRoom, replaces(id, "see you", named(b), named(b)));
    await until("Ben is mentioned", () => isMentioned(room, ben));
    await client.say(matrixRoom, replaces(id, "see you, Ben", named(b), { "m.mentions": {} }));
    await world.untilSaid(room, "Ada: see you, Ben");
    const seq = (await world.events(room)).find((event) => event.id === id)?.seq ?? 0;
    expect(await mentionsOf(room, seq)).toEqual([String(ben.id)]);
    await world.mirrored(room);
    const standing = edits(await world.bot.timeline(matrixRoom));
    expect(standing.map(({ content }) => [content.body, "io.causeway.bridge" in content])).toEqual([
      ["* see you, Ben", false],
    ]);
  });

  test("an edit that its author takes back in Matrix is taken back in the chat, whoever made it where", async () => {
    const { ada, room, matrixRoom, client } = await world.meeting();
    const id = await client.say(matrixRoom, "one");
    const edit = await client.say(matrixRoom, replaces(id, "two"));
    await world.untilSaid(room, "Ada: two");
    await client.redact(matrixRoom, edit);
    await world.untilSaid(room, "Ada: one");

    const seq = await world.say(ada, room, "three");
    // A message that is edited before it went out goes as it is then.
    await world.mirrored(room);
    await world.useCases.messages.edit(userActor(ada), room.token, seq, { text: "four" });
    await world.mirrored(room);
    const own = edits(await client.timeline(matrixRoom)).find(({ content }) => content.body === "* four");
    await client.redact(matrixRoom, own?.event_id ?? "");
    await world.untilSaid(room, "Ada: three");
    await world.mirrored(room);
    expect(edits(await world.bot.timeline(matrixRoom))).toEqual([]);
    expect(await world.texts(room)).toEqual(["Ada: one", "Ada: three"]);
  });

  test("a moderator takes back others' edits; one that a newer edit replaced changes nothing", async () => {
    const { ben, room, matrixRoom, client } = await world.meeting();
    const seq = await world.say(ben, room, "first");
    await world.mirrored(room);
    const { messages } = world.useCases;
    await messages.edit(userActor(ben), room.token, seq, { text: "second" });
    await world.mirrored(room);
    const second = bodyIn(await client.timeline(matrixRoom), "* second");
    await messages.edit(userActor(ben), room.token, seq, { text: "third" });
    await world.mirrored(room);
    const third = bodyIn(await client.timeline(matrixRoom), "* third");
    await client.redact(matrixRoom, second);
    await client.say(matrixRoom, "after it");
    await world.untilSaid(room, "Ada: after it");
    expect(await world.texts(room)).toContain("Ben: third");
    await client.redact(matrixRoom, third);
    await world.untilSaid(room, "Ben: first");
  });

  test("the caption of a file comes back, and is empty where there was none", async () => {
    const { ada, room, matrixRoom, client } = await world.meeting();
    const seq = await world.sayFiles(ada, room, "", { "a.txt": "a" });
    await world.mirrored(room);
    await world.useCases.messages.edit(userActor(ada), room.token, seq, { text: "look" });
    await world.mirrored(room);
    await client.redact(matrixRoom, bodyIn(await client.timeline(matrixRoom), "* look"));
    await world.untilSaid(room, "Ada: ");
    expect(await world.texts(room)).toEqual(["Ada: "]);
  });
});
