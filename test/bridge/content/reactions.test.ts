/** Reactions, both ways: each shows once on both sides, whoever made it where. */
import { expect, test } from "vitest";
import { type Room, type User, userActor } from "../../../src/domain/model.ts";
import { killedAfterSend } from "../faulty.ts";
import type { MatrixUser } from "../matrix-user.ts";
import { describeBridge, until } from "../world.ts";

describeBridge(
  "reactions in the chat and in Matrix",
  (world) => {
    /** A message of the second member; the first is signed in to Matrix and in the room. */
    async function meeting() {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const room = await world.group([ada, ben]);
      const seq = await world.say(ben, room, "shall we?");
      const matrixRoom = await world.mirrored(room);
      const client = await world.signIn(ada);
      await client.join(matrixRoom);
      const message = (await client.timeline(matrixRoom)).find(({ content }) => content.body === "shall we?");
      return { ada, ben, room, seq, matrixRoom, client, message: message?.event_id ?? "" };
    }

    const { log, inMatrix, inChat } = {
      /** What the log says of reactions. */
      log: async (room: Room) =>
        (await world.events(room))
          .filter(({ type }) => type.startsWith("reaction."))
          .map(({ type, actor, dataJson }) => `${actor.name} ${type} ${JSON.parse(dataJson).name}`),
      /** Reactions that stand in Matrix, as `localpart key`, with what they are to. */
      inMatrix: async (person: MatrixUser, matrixRoom: string) =>
        (await person.timeline(matrixRoom))
          .filter(({ type, unsigned }) => type === "m.reaction" && !unsigned?.redacted_because)
          .map(({ sender, content }) => {
            const relation = content["m.relates_to"] as { key: string; event_id: string };
            return [`${sender.slice(1).split(":")[0]} ${relation.key}`, relation.event_id];
          }),
      inChat: async (reader: User, room: Room, seq: number) =>
        (await world.useCases.reactions.list(userActor(reader), room.token, seq)).flatMap(({ name, by }) =>
          by.map(({ actor }) => `${actor.name} ${name}`),
        ),
    };
    const untilInChat = (reader: User, room: Room, seq: number, wanted: string[]) =>
      until(`${wanted.join(", ") || "nothing"} is in the chat`, async () => {
        const found = await inChat(reader, room, seq);
        return JSON.stringify(found) === JSON.stringify(wanted);
      });

    test("one made in the chat is the ghost's, to the original of an edited message; taken back, it is redacted", async () => {
      const { ada, ben, room, seq, matrixRoom, message } = await meeting();
      const { messages, reactions } = world.useCases;
      await messages.edit(userActor(ben), room.token, seq, { text: "shall we go?" });
      await reactions.add(userActor(ada), room.token, seq, "👍");
      await reactions.add(userActor(ada), room.token, seq, "👍");
      await reactions.add(userActor(ben), room.token, seq, "🎉");
      await world.mirrored(room);
      const [a, b] = [world.ghosts.localpart(ada.id), world.ghosts.localpart(ben.id)];
      expect(await inMatrix(world.bot, matrixRoom)).toEqual([
        [`${a} 👍`, message],
        [`${b} 🎉`, message],
      ]);
      await reactions.remove(userActor(ada), room.token, seq, "👍");
      await world.mirrored(room);
      expect(await inMatrix(world.bot, matrixRoom)).toEqual([[`${b} 🎉`, message]]);
      await reactions.add(userActor(ada), room.token, seq, "👍");
      await world.mirrored(room);
      expect(await inMatrix(world.bot, matrixRoom)).toHaveLength(2);
      expect(await log(room)).toHaveLength(4);
    });

    test("one made in Matrix is the user's in the chat, once, and is not sent back; redacted, it is gone", async () => {
      const { ada, ben, room, seq, matrixRoom, client, message } = await meeting();
      const reaction = await client.react(matrixRoom, message, "🚀");
      await untilInChat(ben, room, seq, ["Ada 🚀"]);
      await world.mirrored(room);
      expect(await inMatrix(world.bot, matrixRoom)).toEqual([
        [`${world.ghosts.localpart(ada.id)} 🚀`, message],
      ]);
      await client.redact(matrixRoom, reaction);
      await untilInChat(ben, room, seq, []);
      await world.mirrored(room);
      expect(await log(room)).toEqual(["Ada reaction.added 🚀", "Ada reaction.removed 🚀"]);
      const written = (await world.bot.timeline(matrixRoom)).filter(({ type }) => /react|redact/.test(type));
      expect(written.map(({ type }) => type)).toEqual(["m.reaction", "m.room.redaction"]);
    });

    test("one of the chat is taken back in Matrix, and one of Matrix in the chat", async () => {
      const { ada, room, seq, matrixRoom, client, message } = await meeting();
      const { reactions } = world.useCases;
      await reactions.add(userActor(ada), room.token, seq, "one");
      await world.mirrored(room);
      const own = (await client.timeline(matrixRoom)).find(({ type }) => type === "m.reaction");
      await client.redact(matrixRoom, own?.event_id ?? "");
      await untilInChat(ada, room, seq, []);
      await client.react(matrixRoom, message, "two");
      await untilInChat(ada, room, seq, ["Ada two"]);
      await reactions.remove(userActor(ada), room.token, seq, "two");
      await world.mirrored(room);
      expect(await inMatrix(world.bot, matrixRoom)).toEqual([]);
      expect(await log(room)).toHaveLength(4);
    });

    test("people from elsewhere in Matrix react as themselves", async () => {
      const { ada, room, seq, matrixRoom, client, message } = await meeting();
      const mel = await world.stranger();
      await client.ask("POST", `rooms/${encodeURIComponent(matrixRoom)}/invite`, { user_id: mel.id });
      await mel.join(matrixRoom);
      await until("Mel is a member", async () =>
        (await world.store.memberships.list([room.id])).some(({ member }) => member === `m:${mel.id}`),
      );
      const later = await world.say(ada, room, "welcome");
      await world.mirrored(room);
      const welcome = (await mel.timeline(matrixRoom)).find(({ content }) => content.body === "welcome");
      const reaction = await mel.react(matrixRoom, welcome?.event_id ?? "", "❤️");
      const name = mel.id.slice(1).split(":")[0];
      await untilInChat(ada, room, later, [`${name} ❤️`]);
      await world.mirrored(room);
      expect(await inMatrix(world.bot, matrixRoom)).toHaveLength(1);
      await mel.redact(matrixRoom, reaction);
      await untilInChat(ada, room, later, []);
      await client.react(matrixRoom, message, "last");
      await untilInChat(ada, room, seq, ["Ada last"]);
    });

    test("what the chat can't hold is passed over, and left in Matrix: long keys, unknown events", async () => {
      const { ada, ben, room, seq, matrixRoom, client, message } = await meeting();
      await client.react(matrixRoom, message, "x".repeat(65));
      const notMirrored = (await client.timeline(matrixRoom)).find(({ type }) => type === "m.room.member");
      await client.react(matrixRoom, notMirrored?.event_id ?? "", "👍");
      const gone = await world.say(ben, room, "gone");
      await world.mirrored(room);
      const deleted = (await client.timeline(matrixRoom)).find(({ content }) => content.body === "gone");
      await world.useCases.messages.remove(userActor(ben), room.token, gone);
      await world.mirrored(room);
      await client.react(matrixRoom, deleted?.event_id ?? "", "👍");
      await client.react(matrixRoom, message, "fine");
      await untilInChat(ada, room, seq, ["Ada fine"]);
      expect(await log(room)).toEqual(["Ada reaction.added fine"]);
      expect(await inMatrix(client, matrixRoom), "that to the deleted message is taken back").toHaveLength(3);
    });

    test.each(["read_only", "lobby"])(
      "one redacted where the room is %s by now is gone in the chat, too, as is a message",
      async (rule) => {
        const { ada, ben, room, seq, matrixRoom, message } = await meeting();
        const visitor = await world.signIn(ben);
        await visitor.join(matrixRoom);
        const reaction = await visitor.react(matrixRoom, message, "🚀");
        const said = await visitor.say(matrixRoom, "a word too many");
        await untilInChat(ada, room, seq, ["Ben 🚀"]);
        await world.untilSaid(room, "Ben: a word too many");
        // Under the homeserver's nose: Matrix has heard nothing of it yet.
        const { sql } = world.store;
        await sql`update conversations set ${sql(rule)} = true where id = ${room.id}`;
        await sql`update room_heads set access_version = access_version + 1 where conversation_id = ${room.id}`;
        await visitor.redact(matrixRoom, reaction);
        await visitor.redact(matrixRoom, said);
        await untilInChat(ada, room, seq, []);
        await world.untilSaid(room, "Ben: (deleted)");
      },
    );

    test("a moderator removes others' reactions in Matrix, and so in the chat, as those who made them", async () => {
      const { ada, ben, room, seq, matrixRoom, client } = await meeting();
      await world.useCases.reactions.add(userActor(ben), room.token, seq, "👎");
      await world.mirrored(room);
      const visitor = await world.signIn(ben);
      await visitor.join(matrixRoom);
      const welcome = await client.say(matrixRoom, "welcome");
      await world.untilSaid(room, "Ada: welcome");
      const own = await visitor.react(matrixRoom, welcome, "🎈");
      const later = (await world.events(room)).find(({ id }) => id === welcome)?.seq ?? 0;
      await untilInChat(ada, room, later, ["Ben 🎈"]);
      const reaction = (await client.timeline(matrixRoom)).find(({ type }) => type === "m.reaction");
      await client.redact(matrixRoom, reaction?.event_id ?? "");
      await client.redact(matrixRoom, own);
      await untilInChat(ada, room, seq, []);
      await untilInChat(ada, room, later, []);
      await world.mirrored(room);
      expect((await log(room)).slice(-2)).toEqual(["Ben reaction.removed 👎", "Ben reaction.removed 🎈"]);
      const redactions = (await world.bot.timeline(matrixRoom)).filter(
        ({ type }) => type === "m.room.redaction",
      );
      expect(redactions.map(({ sender }) => sender)).toEqual([client.id, client.id]);
    });

    test("keys that look the same are one reaction: the second is taken out of Matrix, and one of both sides is one", async () => {
      const { ada, ben, room, seq, matrixRoom, client, message } = await meeting();
      const first = await client.react(matrixRoom, message, "👍");
      await client.react(matrixRoom, message, "👍\uFE0F");
      await untilInChat(ben, room, seq, ["Ada 👍"]);
      await until("one stands in Matrix", async () => (await inMatrix(client, matrixRoom)).length === 1);
      await world.useCases.reactions.add(userActor(ada), room.token, seq, "👍\uFE0F");
      await world.mirrored(room);
      expect(await inMatrix(client, matrixRoom)).toHaveLength(1);
      await client.redact(matrixRoom, first);
      await untilInChat(ben, room, seq, []);
      expect(await log(room)).toEqual(["Ada reaction.added 👍", "Ada reaction.removed 👍"]);
    });

    test("custom emoji show their short code, and are taken back by it", async () => {
      const { ada, room, seq, matrixRoom, client, message } = await meeting();
      const react = (key: string, more: object) =>
        client.ask("PUT", `rooms/${encodeURIComponent(matrixRoom)}/send/m.reaction/${Math.random()}`, {
          "m.relates_to": { rel_type: "m.annotation", event_id: message, key },
          ...more,
        });
      await react("mxc://hs.test/abc", { "com.beeper.reaction.shortcode": ":blobcat:" });
      await untilInChat(ada, room, seq, ["Ada :blobcat:"]);
      await react("mxc://hs.test/def", { shortcode: "parrot" });
      await untilInChat(ada, room, seq, ["Ada :blobcat:", "Ada :parrot:"]);
      await react("mxc://hs.test/ghi", {});
      await untilInChat(ada, room, seq, ["Ada :blobcat:", "Ada :parrot:", "Ada 🖼\uFE0F"]);
      await world.useCases.reactions.remove(userActor(ada), room.token, seq, ":blobcat:");
      await world.mirrored(room);
      expect(await inMatrix(client, matrixRoom)).toHaveLength(2);
    });

    test("made on both sides before either heard of the other, it is one, and can be taken back", async () => {
      const { ada, room, seq, matrixRoom, client, message } = await meeting();
      const { open } = world.door;
      world.door.open = async () => Response.json({}, { status: 503 });
      await client.react(matrixRoom, message, "👍");
      await world.useCases.reactions.add(userActor(ada), room.token, seq, "👍");
      await world.mirrored(room);
      expect(await inMatrix(world.bot, matrixRoom)).toHaveLength(1);
      await world.useCases.reactions.remove(userActor(ada), room.token, seq, "👍");
      await world.mirrored(room);
      expect(await inMatrix(world.bot, matrixRoom)).toEqual([]);
      world.door.open = open;
      await client.say(matrixRoom, "after it");
      world.bridge.homeserverRestarted();
      await until("it is in the chat", async () => (await world.texts(room)).includes("Ada: after it"));
      expect(await log(room)).toEqual(["Ada reaction.added 👍", "Ada reaction.removed 👍"]);
      expect(await inMatrix(world.bot, matrixRoom)).toEqual([]);
    });

    test("what was taken back before it was sent is not sent", async () => {
      const { ada, ben, room, seq, matrixRoom } = await meeting();
      const { reactions } = world.useCases;
      await world.bridge.stop();
      await reactions.add(userActor(ada), room.token, seq, "👍");
      await reactions.remove(userActor(ada), room.token, seq, "👍");
      await reactions.add(userActor(ben), room.token, seq, "🎉");
      await world.startBridge();
      await world.mirrored(room);
      const sent = (await world.bot.timeline(matrixRoom)).filter(({ type }) => /react|redact/.test(type));
      expect(sent.map(({ sender }) => sender)).toEqual([world.ghosts.ofUser(ben.id)]);
    });

    test.each(["/send/m.reaction/", "/redact/"])(
      "killed between %s and storing it: once in Matrix, and the chat hears nothing back",
      async (part) => {
        const { ada, room, seq, matrixRoom } = await meeting();
        const { reactions } = world.useCases;
        if (part === "/redact/") {
          await reactions.add(userActor(ada), room.token, seq, "👍");
          await world.mirrored(room);
        }
        await world.bridge.stop();
        const sent = { count: 0 };
        const homeserver = killedAfterSend(world.homeserver, sent, (path) => path.includes(part));
        const killed = await world.startBridge({ homeserver });
        if (part === "/redact/") await reactions.remove(userActor(ada), room.token, seq, "👍");
        else await reactions.add(userActor(ada), room.token, seq, "👍");
        await until("it was sent", async () => sent.count > 0);
        await world.startBridge();
        await world.mirrored(room);
        await killed.stop();
        await world.say(ada, room, "next");
        await world.mirrored(room);
        const written = (await world.bot.timeline(matrixRoom)).filter(({ type }) =>
          /react|redact/.test(type),
        );
        expect(written).toHaveLength(part === "/redact/" ? 2 : 1);
        expect(await log(room)).toHaveLength(part === "/redact/" ? 2 : 1);
        expect(await inChat(ada, room, seq)).toHaveLength(part === "/redact/" ? 0 : 1);
      },
    );
  },
  { scanMs: 300 },
);
