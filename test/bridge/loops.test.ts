/** What comes back, comes twice, or pretends to be the bridge's own. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { userActor } from "../../src/domain/model.ts";
import type { TimelineEvent } from "./matrix-user.ts";
import { describeBridge, until } from "./world.ts";

describeBridge("loops and repetitions", (world) => {
  /** Delivers events as the homeserver does. */
  async function deliver(events: object[], txnId: string = randomUUID()): Promise<Response> {
    return await fetch(`${world.registration.url}/_matrix/app/v1/transactions/${txnId}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${world.registration.hsToken}` },
      body: JSON.stringify({ events }),
    });
  }

  function made(
    sender: string,
    matrixRoomId: string,
    body: string,
    more: object = {},
  ): TimelineEvent & { room_id: string } {
    const content = { msgtype: "m.text", body, ...more };
    const event_id = `$${randomUUID()}`;
    return {
      event_id,
      room_id: matrixRoomId,
      sender,
      type: "m.room.message",
      origin_server_ts: Date.now(),
      content,
    };
  }

  test("echoes of what the bridge wrote are dropped, what the same ghost's person writes is not", async () => {
    const here = await world.meeting();
    for (let n = 0; n < 10; n++) {
      await world.say(here.ada, here.room, `app ${n}`);
      await here.client.say(here.matrixRoom, `element ${n}`);
    }
    await world.untilSaid(here.room, "Ada: element 9");
    await world.mirrored(here.room);
    const count = (texts: string[], part: string) => texts.filter((text) => text.includes(part)).length;
    for (const texts of [await world.texts(here.room), await world.bot.texts(here.matrixRoom)]) {
      expect([count(texts, "app"), count(texts, "element")]).toEqual([10, 10]);
      expect(new Set(texts).size).toBe(20);
    }
  });

  test("a copied or forged mark hides nobody's words", async () => {
    const here = await world.meeting();
    const seq = await world.say(here.ada, here.room, "the original");
    await world.mirrored(here.room);
    const original = (await here.client.timeline(here.matrixRoom)).find(
      ({ content }) => content.body === "the original",
    );
    // Some clients copy the whole content when a message is forwarded.
    await here.client.say(here.matrixRoom, { ...original?.content });
    const mark = { room: here.room.token, seq: seq + 5, op: "message", rev: 0 };
    await here.client.say(here.matrixRoom, { msgtype: "m.text", body: "forged", "io.causeway.bridge": mark });
    await world.untilSaid(here.room, "Ada: forged");
    expect(await world.texts(here.room)).toEqual(["Ada: the original", "Ada: the original", "Ada: forged"]);
  });

  test("a transaction that is delivered again, and an event in two transactions, count once", async () => {
    const here = await world.meeting();
    const event = made(here.client.id, here.matrixRoom, "once");
    expect((await deliver([event], "t1")).status).toBe(200);
    expect((await deliver([event], "t1")).status).toBe(200);
    expect((await deliver([event, event], "t2")).status).toBe(200);
    await world.untilSaid(here.room, "Ada: once");
    expect((await deliver([event], "t3")).status).toBe(200);
    await deliver([made(here.client.id, here.matrixRoom, "last")]);
    await world.untilSaid(here.room, "Ada: last");
    expect(await world.texts(here.room)).toEqual(["Ada: once", "Ada: last"]);
  });

  test("a message that was stored and not told so stands, also where its author was removed since", async () => {
    const here = await world.meeting();
    const mel = await world.stranger();
    const path = `rooms/${encodeURIComponent(here.matrixRoom)}`;
    await here.client.ask("POST", `${path}/invite`, { user_id: mel.id });
    await mel.join(here.matrixRoom);
    const said = await mel.say(here.matrixRoom, "I was here");
    const name = mel.id.slice(1).split(":")[0] ?? "";
    await world.untilSaid(here.room, `${name}: I was here`);
    const [event] = (await here.client.timeline(here.matrixRoom)).filter(({ event_id: id }) => id === said);
    const member = { kind: "matrix" as const, id: mel.id, name };
    await world.useCases.roomLifecycle.removeMember(userActor(here.ada), here.room.token, member);
    await world.mirrored(here.room);
    await world.store.sql`delete from bridge_events where event_id = ${said}`;
    await world.store.sql`delete from bridge_inbox where done_at is not null`;
    await deliver([{ ...event, room_id: here.matrixRoom }]);
    await here.client.say(here.matrixRoom, "after it");
    await world.untilSaid(here.room, "Ada: after it");
    expect(await world.texts(here.room)).toEqual([`${name}: I was here`, "Ada: after it"]);
    expect(await world.bot.texts(here.matrixRoom)).toContain(`${name}: I was here`);
  });

  test("a reaction to a message that its author may not see is taken back", async () => {
    const here = await world.meeting();
    const said = await here.client.say(here.matrixRoom, "before mel");
    await world.untilSaid(here.room, "Ada: before mel");
    const mel = await world.stranger();
    const path = `rooms/${encodeURIComponent(here.matrixRoom)}`;
    await here.client.ask("POST", `${path}/invite`, { user_id: mel.id });
    await mel.join(here.matrixRoom);
    const reaction = await mel.react(here.matrixRoom, said, "👍");
    await until("it is redacted", async () => {
      const events = await world.bot.timeline(here.matrixRoom);
      return events.find(({ event_id: id }) => id === reaction)?.unsigned?.redacted_because !== undefined;
    });
  });

  test("transaction ids that begin anew lose nothing", async () => {
    const here = await world.meeting();
    await deliver([made(here.client.id, here.matrixRoom, "before")], "1");
    await deliver([made(here.client.id, here.matrixRoom, "after")], "1");
    await world.untilSaid(here.room, "Ada: after");
    expect(await world.texts(here.room)).toEqual(["Ada: before", "Ada: after"]);
  });

  test("an old edit and an old leave that are told again change nothing any more", async () => {
    const here = await world.meeting();
    const id = await here.client.say(here.matrixRoom, "one");
    const edit = (body: string) =>
      here.client.say(here.matrixRoom, {
        msgtype: "m.text",
        body: `* ${body}`,
        "m.new_content": { msgtype: "m.text", body },
        "m.relates_to": { rel_type: "m.replace", event_id: id },
      });
    const first = await edit("two");
    await world.untilSaid(here.room, "Ada: two");
    await edit("three");
    await world.untilSaid(here.room, "Ada: three");
    const old = (await here.client.timeline(here.matrixRoom)).find(({ event_id }) => event_id === first);
    const left = {
      ...made(here.client.id, here.matrixRoom, ""),
      type: "m.room.member",
      state_key: here.client.id,
    };
    await world.store.sql`delete from bridge_inbox where done_at is not null`;
    await deliver([
      { ...old, room_id: here.matrixRoom },
      { ...left, content: { membership: "leave" } },
    ]);
    await here.client.say(here.matrixRoom, "after it");
    await world.untilSaid(here.room, "Ada: after it");
    expect(await world.texts(here.room)).toEqual(["Ada: three", "Ada: after it"]);
  });

  test("events of foreign rooms and of no room, of the bot, and broken ones are passed over", async () => {
    const here = await world.meeting();
    const events = [
      made(here.client.id, "!elsewhere", "foreign"),
      made(world.ghosts.bot, here.matrixRoom, "by the bot"),
      { ...made(here.client.id, here.matrixRoom, "x"), event_id: 7 },
      { ...made(here.client.id, here.matrixRoom, "x"), content: "none" },
      { ...made(here.client.id, here.matrixRoom, "x"), event_id: `$${"x".repeat(300)}` },
      { ...made(here.client.id, here.matrixRoom, "x"), event_id: "$nul\0" },
      null,
      "nothing",
    ];
    expect((await deliver(events as object[])).status).toBe(200);
    await deliver([made(here.client.id, here.matrixRoom, "fine")]);
    await world.untilSaid(here.room, "Ada: fine");
    expect(await world.texts(here.room)).toEqual(["Ada: fine"]);
  });

  test("an app client's id that looks like a Matrix event's does not keep a message from Matrix", async () => {
    const here = await world.meeting();
    await world.say(here.ben, here.room, "dollar", { id: "$looks-like-an-event" });
    expect(await world.bot.texts(await world.mirrored(here.room))).toEqual([
      `${world.ghosts.localpart(here.ben.id)}: dollar`,
    ]);
  });
});
