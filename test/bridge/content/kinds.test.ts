/** What is more than a text: polls, places, voices, stickers, and what has no counterpart in the chat. */
import { describe, expect, test } from "vitest";
import { kindOf, lineOf } from "../../../bridge/mapping/kinds.ts";
import type { MatrixEvent } from "../../../bridge/mapping/matrix-events.ts";
import { pollOf, resultLine } from "../../../bridge/mapping/polls.ts";
import { describeBridge, until, type World } from "../world.ts";

const STARTS = "org.matrix.msc3381.poll.start";
const lunch = {
  question: { "org.matrix.msc1767.text": "Lunch?" },
  answers: [
    { id: "p", "org.matrix.msc1767.text": "Pizza" },
    { id: "s", "org.matrix.msc1767.text": "Soup" },
  ],
};
const stable = {
  question: { "m.text": [{ body: "<b>Lunch?</b>", mimetype: "text/html" }, { body: "Lunch?" }] },
  answers: [
    { "m.id": "p", "m.text": "Pizza" },
    { "m.id": "s", "m.text": [{ body: "So\0up" }] },
  ],
};

describe("polls", () => {
  test.each([{ [STARTS]: lunch }, { "m.poll": stable }])("are read in both spellings", (content) => {
    const poll = pollOf(content);
    expect(poll).toEqual({
      ...{ question: "Lunch?", choices: 1 },
      answers: [
        { id: "p", text: "Pizza" },
        { id: "s", text: "Soup" },
      ],
    });
    expect(lineOf({ type: STARTS, content })).toBe("📊 Lunch? · Pizza · Soup");
    expect(kindOf({ type: STARTS, content }, false)).toEqual({ type: "poll", data: poll });
  });

  test("what nobody could answer is none", () => {
    for (const poll of [null, {}, { ...lunch, answers: [] }, { ...lunch, question: 7 }]) {
      expect(pollOf({ [STARTS]: poll })).toBeNull();
    }
  });

  test("of each person the last answer until the end counts, if the poll has it", () => {
    const poll = { ...(pollOf({ [STARTS]: lunch }) ?? { question: "", answers: [] }), choices: 1 };
    const answers = [
      { sender: "@a:x", at: 2, choices: ["s"] },
      { sender: "@a:x", at: 1, choices: ["p"] },
      { sender: "@b:x", at: 1, choices: ["p", "s"] },
      { sender: "@c:x", at: 9, choices: ["p"] },
      { sender: "@d:x", at: 1, choices: ["pasta"] },
    ];
    expect(resultLine(poll, answers, 5)).toBe("📊 Lunch? · Pizza: 1 · Soup: 1");
  });
});

test("what is more than a text is marked, without what the chat does not take", () => {
  const kind = (content: MatrixEvent["content"], hasFile = false) =>
    kindOf({ type: "m.room.message", content }, hasFile);
  expect(kind({ msgtype: "m.text" })).toEqual({});
  expect(kind({ msgtype: "m.location", geo_uri: "geo:52.5,13.4" })).toEqual({
    ...{ type: "location", data: { uri: "geo:52.5,13.4" } },
  });
  expect(kind({ msgtype: "m.location", geo_uri: "geo:\0" })).toEqual({});
  const audio = { msgtype: "m.audio", "org.matrix.msc3245.voice": {} };
  const waves = (waveform: unknown) => ({
    ...audio,
    "org.matrix.msc1767.audio": { duration: 1_500, waveform },
  });
  expect(kind(waves([0, 1_024]), true)).toEqual({
    type: "voice",
    data: { duration: 1_500, waveform: [0, 1_024] },
  });
  expect(kind(waves(["loud"]), true)).toEqual({ type: "voice", data: { duration: 1_500 } });
  expect(kind(audio, true)).toEqual({ type: "voice", data: {} });
  expect(kind(audio, false)).toEqual({});
});

describeBridge("what is more than a text", (world) => {
  test("is shown in the chat: polls with their result, stickers, places, calls, what is encrypted", async () => {
    const { room, matrixRoom, client, ben } = await world.meeting();
    const send = async (type: string, content: object) => {
      const path = `rooms/${encodeURIComponent(matrixRoom)}/send/${type}/${Math.random()}`;
      return (await client.ask<{ event_id: string }>("PUT", path, content)).event_id;
    };
    const about = (event_id: string) => ({ "m.relates_to": { rel_type: "m.reference", event_id } });
    const bens = await world.signIn(ben);
    await bens.join(matrixRoom);

    const poll = await send(STARTS, { [STARTS]: lunch });
    await world.untilSaid(room, "Ada: 📊 Lunch? · Pizza · Soup");
    await send("org.matrix.msc3381.poll.response", {
      ...about(poll),
      "org.matrix.msc3381.poll.response": { answers: ["s"] },
    });
    const end = { ...about(poll), "org.matrix.msc3381.poll.end": {} };
    const ends = `rooms/${encodeURIComponent(matrixRoom)}/send/org.matrix.msc3381.poll.end`;
    await bens.ask("PUT", `${ends}/not-bens`, end);
    await send("org.matrix.msc3381.poll.end", end);
    await world.untilSaid(room, "Ada: 📊 Lunch? · Pizza: 0 · Soup: 1");
    const messages = await said(world, room);
    expect(messages.map(({ data }) => data.kind)).toEqual(["poll", undefined]);
    expect(messages[1]?.data.replyTo).toBe(messages[0]?.seq);

    const url = await client.upload(new Blob(["GIF89a"], { type: "image/gif" }), "cat.gif");
    await send("m.sticker", { body: "a cat", url, info: { mimetype: "image/gif" } });
    await world.untilSaid(room, "Ada: a cat");
    expect((await said(world, room)).at(-1)?.data.attachments).toEqual([
      expect.objectContaining({ filename: "a cat" }),
    ]);

    await send("m.room.encrypted", { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "x" });
    await until("the line is there", async () => (await world.texts(room)).at(-1)?.startsWith("Ada: 🔒"));
    await send("m.call.invite", { call_id: "1", version: 0, lifetime: 60_000, offer: {} });
    await until("the call is told", async () => (await world.texts(room)).at(-1)?.startsWith("Ada: 📞"));
  });

  test("comes to Matrix: places and voices", async () => {
    const { ben, room, matrixRoom, client } = await world.meeting();
    const uri = "geo:52.5,13.4";
    await world.say(ben, room, "here", { type: "location", data: { uri } });
    await world.mirrored(room);
    const shown = (await client.timeline(matrixRoom)).at(-1);
    expect(shown?.content).toMatchObject({ msgtype: "m.location", body: "here", geo_uri: uri });
  });
});

async function said(world: World, room: Parameters<World["events"]>[0]) {
  const events = (await world.events(room)).filter(({ type }) => type === "message");
  return events.map(({ seq, dataJson }) => ({ seq, data: JSON.parse(dataJson) }));
}
