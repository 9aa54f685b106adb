/** Attachments on their way from the chat to Matrix. */
import { expect, test } from "vitest";
import { type EventData, type Room, userActor } from "../../src/domain/model.ts";
import { keep } from "../attachments/contract.ts";
import { faulty, isSend, killedAfterSend, never, refusal } from "./faulty.ts";
import { describeBridge, until } from "./world.ts";

const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

describeBridge(
  "files from the chat to Matrix",
  (world) => {
    async function meeting() {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const room = await world.group([ada, ben]);
      return { ada, ben, room, matrixRoom: await world.mirrored(room) };
    }
    /** Messages in Matrix that were not taken back, as `msgtype body`. */
    async function shown(matrixRoom: string) {
      return (await world.bot.timeline(matrixRoom)).flatMap(({ type, content, unsigned }) =>
        type === "m.room.message" && !unsigned?.redacted_because
          ? [`${content.msgtype} ${content.body}`]
          : [],
      );
    }
    async function attachmentsOf(room: Room, seq: number) {
      const event = await world.store.log.event(room.id, seq);
      return (JSON.parse(event?.dataJson ?? "{}") as EventData["message"]).attachments ?? [];
    }

    test("a message's files follow its text, each an event of the sender's ghost with its bytes, type and size", async () => {
      const { ada, room, matrixRoom } = await meeting();
      const picture = new Blob([PICTURE]);
      const { id } = await world.useCases.attachments.upload(userActor(ada), {
        filename: "dot ½.png",
        content: picture.stream(),
      });
      await world.say(ada, room, "look", { attachments: [id] });
      await world.sayFiles(ada, room, "all kinds", {
        "a.txt": "plain",
        "b.svg": "<svg/>",
        "c.mp3": "ID3 sound",
      });
      await world.mirrored(room);
      expect(await shown(matrixRoom)).toEqual([
        "m.text look",
        "m.image dot ½.png",
        "m.text all kinds",
        "m.file a.txt",
        "m.file b.svg",
        "m.audio c.mp3",
      ]);
      const events = (await world.bot.timeline(matrixRoom)).filter(({ content }) => content.url);
      expect(new Set(events.map(({ sender }) => sender))).toEqual(new Set([world.ghosts.ofUser(ada.id)]));
      const [image, text] = events.map(({ content }) => content);
      expect(image).toMatchObject({
        filename: "dot ½.png",
        info: { mimetype: "image/png", size: PICTURE.byteLength },
      });
      expect((await world.bot.media(String(image?.url))).type).toBe("image/png");
      expect((await world.bot.media(String(text?.url))).text).toBe("plain");
    });

    test("[GW-5.11] [GW-5.14] a message that is sent on is one of whoever sent it on, with the bytes that Matrix has, and mentions nobody", async () => {
      const { ada, ben, room, matrixRoom } = await meeting();
      const { id } = await world.useCases.attachments.upload(userActor(ada), {
        filename: "dot.png",
        content: new Blob([PICTURE]).stream(),
      });
      const seq = await world.say(ada, room, "@Ada, look", { attachments: [id], mentions: [String(ada.id)] });
      await world.mirrored(room);
      const other = await world.group([ben, ada]);
      const further = await world.mirrored(other);
      const forward = { room: room.token, seq };
      await world.useCases.messages.send(userActor(ben), other.token, { id: "on", text: "", forward });
      await world.mirrored(other);
      expect(await shown(further)).toEqual(["m.text @Ada, look", "m.image dot.png"]);
      const sent = async (of: string) =>
        (await world.bot.timeline(of)).filter(({ type }) => type === "m.room.message");
      const [first, copy] = [await sent(matrixRoom), await sent(further)];
      expect(new Set(copy.map(({ sender }) => sender))).toEqual(new Set([world.ghosts.ofUser(ben.id)]));
      expect(copy[0]?.content["m.mentions"]).toEqual({});
      expect(copy[1]?.content.url).toMatch(/^mxc:/);
      expect(copy[1]?.content.url).toBe(first[1]?.content.url);
    });

    test("a message without words is its first file, and can be answered and reacted to", async () => {
      const { ada, ben, room, matrixRoom } = await meeting();
      const seq = await world.sayFiles(ada, room, " ", { "a.txt": "one", "b.txt": "two" });
      await world.say(ben, room, "thanks", { replyTo: seq });
      await world.useCases.reactions.add(userActor(ben), room.token, seq, "👍");
      await world.mirrored(room);
      expect(await shown(matrixRoom)).toEqual(["m.file a.txt", "m.file b.txt", "m.text thanks"]);
      const events = await world.bot.timeline(matrixRoom);
      const first = events.find(({ content }) => content.body === "a.txt")?.event_id;
      const relations = events.flatMap(({ content }) => content["m.relates_to"] ?? []);
      expect(relations).toEqual([
        { "m.in_reply_to": { event_id: first } },
        { rel_type: "m.annotation", event_id: first, key: "👍" },
      ]);
    });

    test("a deleted message's files are taken back, whoever deletes it where; a deleted file alone", async () => {
      const { ada, room, matrixRoom } = await meeting();
      const inChat = await world.sayFiles(ada, room, "one", { "a.txt": "a", "b.txt": "b" });
      await world.sayFiles(ada, room, "two", { "c.txt": "c" });
      const third = await world.sayFiles(ada, room, "three", { "d.txt": "d", "e.txt": "e", "f.txt": "f" });
      await world.mirrored(room);
      await world.useCases.messages.remove(userActor(ada), room.token, inChat);
      const client = await world.signIn(ada);
      const find = async (body: string) =>
        (await client.timeline(matrixRoom)).find(({ content }) => content.body === body)?.event_id ?? "";
      await client.redact(matrixRoom, await find("two"));
      await client.redact(matrixRoom, await find("e.txt"));
      const [d] = await attachmentsOf(room, third);
      await world.useCases.attachments.delete(userActor(ada), d?.id ?? "");
      await until(
        "the file is gone from the chat",
        async () => (await attachmentsOf(room, third)).length === 1,
      );
      await world.mirrored(room);
      expect(await shown(matrixRoom)).toEqual(["m.text three", "m.file f.txt"]);
      expect((await attachmentsOf(room, third)).map(({ filename }) => filename)).toEqual(["f.txt"]);
    });

    test("an edit takes files out and puts others in; those that stay are not sent again", async () => {
      const { ada, room, matrixRoom } = await meeting();
      const seq = await world.sayFiles(ada, room, "files", { "a.txt": "a", "b.txt": "b" });
      await world.mirrored(room);
      const [, b] = await attachmentsOf(room, seq);
      const content = new Blob(["c"]).stream();
      const c = await world.useCases.attachments.upload(userActor(ada), { filename: "c.txt", content });
      await world.useCases.messages.edit(userActor(ada), room.token, seq, {
        text: "files, edited",
        attachments: [b?.id ?? "", c.id],
      });
      await world.mirrored(room);
      expect(await shown(matrixRoom)).toEqual([
        "m.text files",
        "m.file b.txt",
        "m.text * files, edited",
        "m.file c.txt",
      ]);
      await world.useCases.messages.remove(userActor(ada), room.token, seq);
      await world.mirrored(room);
      expect(await shown(matrixRoom)).toEqual([]);
    });

    test("the caption of a message that is a file is edited, and the file stays", async () => {
      const { ada, room, matrixRoom } = await meeting();
      const seq = await world.sayFiles(ada, room, " ", { "a.txt": "a" });
      await world.mirrored(room);
      await world.useCases.messages.edit(userActor(ada), room.token, seq, { text: "what it is" });
      await world.mirrored(room);
      const edit = (await world.bot.timeline(matrixRoom)).at(-1)?.content["m.new_content"];
      expect(edit).toMatchObject({ msgtype: "m.file", filename: "a.txt", body: "what it is" });
      expect((edit as { url: string }).url).toMatch(/^mxc:/);
    });

    test.each([
      ["too large for the homeserver", refusal(413, "M_TOO_LARGE")],
      ["refused by it", refusal(403, "M_FORBIDDEN")],
    ])("a file that is %s is named with its size", async (_, error) => {
      const { ada, room, matrixRoom } = await meeting();
      await world.bridge.stop();
      const homeserver = { ...world.homeserver, stream: () => Promise.reject(error) };
      await world.startBridge({ homeserver });
      await world.sayFiles(ada, room, "large", { "large.txt": "x".repeat(3_000) });
      await world.say(ada, room, "after it");
      await world.mirrored(room);
      expect(await shown(matrixRoom)).toEqual(["m.text large", "m.text large.txt (3 KB)", "m.text after it"]);
      await world.bridge.stop();
      await world.startBridge();
    });

    test("a file whose bytes are lost, or other than they were, holds nothing up", async () => {
      const { ada, room, matrixRoom } = await meeting();
      await world.bridge.stop();
      const seq = await world.sayFiles(ada, room, "lost", { "lost.txt": "lost", "short.txt": "short" });
      const [lost, short] = await attachmentsOf(room, seq);
      await world.files.delete(lost?.id ?? "");
      await keep(world.files, short?.id ?? "", new Blob(["sh"]));
      await world.say(ada, room, "after it");
      await world.startBridge();
      await until("the room was put off because of the other", async () => {
        const [row] = await world.store.sql<{ failures: number }[]>`
          select failures from bridge_rooms where conversation_id = ${room.id}`;
        return (row?.failures ?? 0) > 0;
      });
      expect((await world.bridge.health()).ok).toBe(true);
      await world.store
        .sql`update bridge_rooms set failures = 6, retry_at = 0 where conversation_id = ${room.id}`;
      await world.mirrored(room);
      expect(await shown(matrixRoom)).toEqual([
        "m.text lost",
        "m.text lost.txt (4 bytes)",
        "m.text short.txt (5 bytes)",
        "m.text after it",
      ]);
    });

    test("killed between the upload and the send, or the send and storing it: each event is in Matrix once", async () => {
      const { ada, room, matrixRoom } = await meeting();
      const files = { "a.txt": "a", "b.txt": "b" };
      const restarts = [
        // The text is there and a.txt is uploaded.
        faulty(world.homeserver, async (_, path, ask, options) =>
          isSend(path) && "url" in (options.body ?? {}) ? await never(options) : await ask(),
        ),
        // a.txt was sent, and its answer never heard of.
        killedAfterSend(world.homeserver, { count: 0 }),
        // The same of b.txt.
        killedAfterSend(world.homeserver, { count: 0 }),
      ];
      const { open } = world.door;
      world.door.open = async () => Response.json({});
      const killed = [];
      let uploads = 0;
      for (const homeserver of restarts) {
        await world.bridge.stop();
        let reached = false;
        const seen = faulty(homeserver, async (_, path, ask) => {
          if (isSend(path) && uploads > 0) reached = true;
          return await ask();
        });
        const stream: typeof homeserver.stream = (...request) => {
          uploads++;
          return world.homeserver.stream(...request);
        };
        killed.push(await world.startBridge({ homeserver: { ...seen, stream } }));
        if (killed.length === 1) await world.sayFiles(ada, room, "once", files);
        await until("it comes so far", async () => reached);
      }
      await world.bridge.stop();
      world.door.open = open;
      await world.startBridge();
      await world.say(ada, room, "next");
      await world.mirrored(room);
      expect(await shown(matrixRoom)).toEqual(["m.text once", "m.file a.txt", "m.file b.txt", "m.text next"]);
      expect(await world.texts(room)).toEqual(["Ada: once", "Ada: next"]);
    });
  },
  { scanMs: 300 },
);
