/** Texts that were edited away or deleted, on their way to Matrix and there. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { userActor } from "../../src/domain/model.ts";
import { faulty, isSend, killedAfterSend, refusal, withoutAudit } from "./faulty.ts";
import { describeBridge, until, type World } from "./world.ts";

describeBridge("texts that were taken back, in Matrix", (world: World) => {
  /** The texts of the room's messages and edits that Matrix still has. */
  async function textsIn(matrixRoom: string): Promise<string[]> {
    const events = await world.bot.timeline(matrixRoom);
    return events.flatMap(({ type, content }) =>
      type === "m.room.message" && typeof content.body === "string" ? [content.body] : [],
    );
  }

  async function rowsWith(word: string): Promise<string[]> {
    const rows = await world.store.sql<{ row: string }[]>`
      select 'bridge_outbox ' || op as row from bridge_outbox t where strpos(t::text, ${word}) > 0
      union all select 'bridge_inbox' from bridge_inbox t where strpos(t::text, ${word}) > 0
      union all select 'bridge_events' from bridge_events t where strpos(t::text, ${word}) > 0
      union all select distinct 'events' from events t where strpos(t::text, ${word}) > 0`;
    return rows.map(({ row }) => row);
  }

  test("an edit takes the edits before it away, wherever they were made; a deletion takes all", async () => {
    const { ada, room, matrixRoom, client } = await world.meeting();
    const { messages } = world.useCases;
    const edit = (seq: number, text: string) => messages.edit(userActor(ada), room.token, seq, { text });
    const seq = await world.say(ada, room, "first");
    await world.mirrored(room);
    await edit(seq, "second");
    await world.mirrored(room);
    expect(await textsIn(matrixRoom)).toEqual(["first", "* second"]);
    await edit(seq, "third");
    await world.mirrored(room);
    expect(await textsIn(matrixRoom)).toEqual(["first", "* third"]);
    const [original] = (await world.bot.timeline(matrixRoom)).filter(
      ({ content }) => content.body === "first",
    );
    await client.say(matrixRoom, {
      ...{ msgtype: "m.text", body: "* fourth", "m.new_content": { msgtype: "m.text", body: "fourth" } },
      "m.relates_to": { rel_type: "m.replace", event_id: original?.event_id },
    });
    await world.untilSaid(room, "Ada: fourth");
    await until("the edit before is gone", async () => !(await textsIn(matrixRoom)).includes("* third"));
    expect(await textsIn(matrixRoom)).toEqual(["first", "* fourth"]);
    await edit(seq, "fifth");
    await world.mirrored(room);
    expect(await textsIn(matrixRoom)).toEqual(["first", "* fifth"]);
    await messages.remove(userActor(ada), room.token, seq);
    await world.mirrored(room);
    expect(await textsIn(matrixRoom)).toEqual([]);
  });

  test("what was taken back before Matrix had it is neither kept for it nor told", async () => {
    const { ada, ben, room, matrixRoom } = await world.meeting();
    const { messages } = world.useCases;
    const word = `taken-back-${randomUUID()}`;
    const earlier = await world.say(ada, room, "harmless");
    await world.mirrored(room);
    await world.bridge.stop();
    // Another worker plans all of it, and can't send it.
    const failing = await world.startBridge({
      homeserver: faulty(world.homeserver, async (_, path, ask) => {
        if (isSend(path)) throw refusal(500, "M_UNKNOWN");
        return await ask();
      }),
    });
    const edited = await world.say(ada, room, word);
    const deleted = await world.say(ben, room, `${word} as well`);
    await messages.edit(userActor(ada), room.token, earlier, { text: `harmless? ${word}` });
    await until("all of it waits", async () => {
      const rows = await world.store.sql`select from bridge_outbox where conversation_id = ${room.id}`;
      return rows.length === 3;
    });
    expect(await rowsWith(word)).toEqual(["events"]);
    await failing.stop();
    await messages.edit(userActor(ada), room.token, edited, { text: "edited away" });
    await messages.edit(userActor(ada), room.token, earlier, { text: "harmless again" });
    await messages.remove(userActor(ben), room.token, deleted);
    expect(await rowsWith(word)).toEqual([]);
    await world.startBridge();
    await world.mirrored(room);
    const texts = await textsIn(matrixRoom);
    expect(texts.filter((text) => text.includes(word))).toEqual([]);
    expect(texts).toContain("edited away");
    expect(texts.at(-1)).toBe("* harmless again");
    expect(await rowsWith(word)).toEqual([]);
  });

  test("an edit while it is not known what Matrix has is sent, whatever it has", async () => {
    const { ada, room, matrixRoom } = await world.meeting();
    await world.bridge.stop();
    const { open } = world.door;
    world.door.open = async () => Response.json({});
    const sent = { count: 0 };
    const killed = await world.startBridge({ homeserver: killedAfterSend(world.homeserver, sent) });
    const seq = await world.say(ada, room, "sent, and nobody knows");
    await until("it was sent", async () => sent.count > 0);
    await killed.stop();
    await world.useCases.messages.edit(userActor(ada), room.token, seq, { text: "edited" });
    await world.startBridge({ homeserver: withoutAudit(world.homeserver) });
    await world.mirrored(room);
    world.door.open = open;
    expect(await textsIn(matrixRoom)).toEqual(["sent, and nobody knows", "* edited"]);
    await world.useCases.messages.remove(userActor(ada), room.token, seq);
    await world.mirrored(room);
    expect(await textsIn(matrixRoom)).toEqual([]);
  });
});
