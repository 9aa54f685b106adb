/** Long texts lose nothing on either side, and who writes what the chat does not take is told. */
import { expect, test } from "vitest";
import { type EventData, type Room, userActor } from "../../../src/domain/model.ts";
import { describeBridge, until } from "../world.ts";

const LONG = "😀".repeat(15_990);

describeBridge("long texts, and texts that are refused", (world) => {
  const files = async (room: string) =>
    (await world.bot.timeline(room)).filter(({ content }) => content.msgtype === "m.file");
  const text = async (url: unknown) => (await world.bot.media(String(url))).text;
  const lastFile = async (room: Room) => {
    const event = (await world.events(room)).findLast(({ type }) => type === "message");
    return (JSON.parse(event?.dataJson ?? "{}") as EventData["message"]).attachments?.[0];
  };

  test("a long text of the chat has its whole in a file, and so has its edit, which takes the file before back", async () => {
    const { ada, room, matrixRoom } = await world.meeting();
    const seq = await world.say(ada, room, LONG);
    await world.mirrored(room);
    const [first, ...more] = await files(matrixRoom);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ content: { filename: "message.txt", info: { mimetype: "text/plain" } } });
    expect(await text(first?.content.url)).toBe(LONG);
    const edited = `${LONG}!`;
    await world.useCases.messages.edit(userActor(ada), room.token, seq, { text: edited });
    await world.mirrored(room);
    const [second, ...others] = await files(matrixRoom);
    expect(others).toEqual([]);
    expect(await text(second?.content.url)).toBe(edited);
    await world.useCases.messages.remove(userActor(ada), room.token, seq);
    await world.mirrored(room);
    expect(await files(matrixRoom)).toEqual([]);
  });

  test("a long text of Matrix has its whole in a file of the chat", async () => {
    const { ben, room, matrixRoom, client } = await world.meeting();
    const long = "word ".repeat(5_000);
    await client.say(matrixRoom, long);
    await client.say(matrixRoom, "after it");
    await world.untilSaid(room, "Ada: after it");
    const [first] = await world.texts(room);
    expect(first).toMatch(/^Ada: (word )+.{0,5}… \[shortened: message.txt has the whole text\]$/);
    const event = (await world.events(room)).find(({ dataJson }) => dataJson.includes("attachments"));
    const [file] = (JSON.parse(event?.dataJson ?? "{}") as EventData["message"]).attachments ?? [];
    expect(file).toMatchObject({ filename: "message.txt", size: long.length });
    const bytes = await world.useCases.attachments.open(userActor(ben), file?.id ?? "");
    expect(await new Response(bytes).text()).toBe(long);
    expect(await lastFile(room)).toBeUndefined();
    await world.mirrored(room);
    expect(await files(matrixRoom)).toEqual([]);
  });

  test("who writes what the chat refuses is told by a status and by the reason of the redaction", async () => {
    const { ada, ben, room, matrixRoom } = await world.meeting();
    const visitor = await world.signIn(ben);
    await visitor.join(matrixRoom);
    // Matrix learns of it after Ben has written.
    await world.bridge.stop();
    await world.useCases.roomLifecycle.setReadOnly(userActor(ada), room.token, true);
    const id = await visitor.say(matrixRoom, "let me in");
    await world.startBridge();
    const status = await until("the sender is told", async () =>
      (await visitor.timeline(matrixRoom)).find(({ type }) => type === "com.beeper.message_send_status"),
    );
    expect(status).toMatchObject({
      sender: world.ghosts.bot,
      content: {
        ...{
          status: "FAIL_PERMANENT",
          reason: "m.no_permission",
          message: expect.stringContaining("read-only"),
        },
        "m.relates_to": { rel_type: "m.reference", event_id: id },
      },
    });
    await until(
      "it is redacted",
      async () =>
        (await visitor.timeline(matrixRoom)).find((event) => event.event_id === id)?.unsigned
          ?.redacted_because,
    );
    expect(await world.texts(room)).toEqual([]);
  });
});
