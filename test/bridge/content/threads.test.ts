/** Threads of the chat are threads in Matrix, both ways. */
import { expect, test } from "vitest";
import { describeBridge } from "../world.ts";

describeBridge("threads", (world) => {
  test("answers come to Matrix in the thread, and those from Matrix go to the same thread", async () => {
    const here = await world.meeting();
    const { ben, room, matrixRoom, client } = here;
    const root = await world.say(ben, room, "root");
    await world.say(ben, room, "one", { thread: root });
    const two = await world.say(ben, room, "two", { thread: root });
    await world.say(ben, room, "to two", { thread: root, replyTo: two });
    await world.mirrored(room);
    const found = await client.timeline(matrixRoom);
    const named = (body: string) => found.find(({ content }) => content.body === body);
    const relation = (body: string) => named(body)?.content["m.relates_to"];
    const [first, one] = [named("root")?.event_id, named("one")?.event_id];
    const inThread = (answered: string | undefined, falls: boolean) => ({
      ...{ rel_type: "m.thread", event_id: first, is_falling_back: falls },
      "m.in_reply_to": { event_id: answered },
    });
    expect(relation("one")).toEqual(inThread(first, true));
    expect(relation("two")).toEqual(inThread(one, true));
    expect(relation("to two")).toEqual(inThread(named("two")?.event_id, false));

    await client.say(matrixRoom, { msgtype: "m.text", body: "falls", "m.relates_to": inThread(one, true) });
    await world.untilSaid(room, "Ada: falls");
    await client.say(matrixRoom, {
      msgtype: "m.text",
      body: "replies",
      "m.relates_to": inThread(one, false),
    });
    await world.untilSaid(room, "Ada: replies");
    const [falls, replies] = (await world.events(room))
      .filter(({ type }) => type === "message")
      .slice(-2)
      .map(({ dataJson }) => JSON.parse(dataJson));
    expect(falls).toEqual({ text: "falls", thread: root });
    expect(replies).toEqual({ text: "replies", thread: root, replyTo: root + 1 });
  });
});
