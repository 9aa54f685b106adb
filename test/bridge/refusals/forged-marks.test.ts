/** Whatever members put into an event, their room goes on at once, and what they wrote is in it. */
import { expect, test } from "vitest";
import { createBridgeStore } from "../../../bridge/store/bridge-store.ts";
import { describeBridge, until } from "../world.ts";

describeBridge("forged marks and relations", (world) => {
  test("with zero bytes and values of any kind are nothing but words of a person", async () => {
    const { room, matrixRoom, client } = await world.meeting();
    const mark = { room: room.token, seq: 1, op: "message", rev: 0, run: 0, at: 0 };
    const nul = "\0nul\0";
    const forged = [
      { ...mark, op: nul },
      { ...mark, proof: nul },
      { ...mark, id: nul },
      { ...mark, room: nul },
      { ...mark, op: "x".repeat(5_000) },
      { ...mark, seq: Number.MAX_SAFE_INTEGER, op: "edit" },
      { ...mark, seq: "1; drop table events" },
      { ...mark, op: ["message"] },
    ];
    const relations = [
      { "m.in_reply_to": { event_id: nul } },
      { rel_type: nul, event_id: {} },
      { "m.in_reply_to": { event_id: "x".repeat(5_000) } },
    ];
    const events = [
      ...forged.map((one) => ({ "io.causeway.bridge": one })),
      ...relations.map((one) => ({ "m.relates_to": one })),
    ];
    for (const [n, more] of events.entries())
      await client.say(matrixRoom, { msgtype: "m.text", body: `words ${n}`, ...more });
    await client.react(matrixRoom, nul, "👍").catch(() => {});
    await client.say(matrixRoom, "after it");
    await world.untilSaid(room, "Ada: after it");
    expect(await world.texts(room)).toEqual([...events.map((_, n) => `Ada: words ${n}`), "Ada: after it"]);
    const store = createBridgeStore(world.store.sql);
    expect(await store.list({ room: room.token, after: 0, limit: 10 })).toEqual([]);
    await until("nothing failed", async () => (await store.room(room.token))?.inbox === 0);
    expect(await store.room(room.token)).toMatchObject({ failures: 0, reason: null });
  });
});
