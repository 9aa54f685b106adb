/** From Matrix to the chat. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { userActor } from "../../../src/domain/model.ts";
import { describeBridge, until } from "../world.ts";

describeBridge(
  "from Matrix to the chat",
  (world) => {
    test("what a user writes in Matrix is theirs in the chat, once, and is not sent back", async () => {
      const here = await world.meeting();
      await here.client.say(here.matrixRoom, "from Matrix");
      await world.untilSaid(here.room, "Ada: from Matrix");
      await world.say(here.ben, here.room, "from the app");
      await world.mirrored(here.room);
      const messages = (await world.events(here.room)).filter(({ type }) => type === "message");
      expect(messages.map(({ actor }) => actor)).toEqual([userActor(here.ada), userActor(here.ben)]);
      expect(await world.bot.texts(here.matrixRoom)).toEqual([
        `${world.ghosts.localpart(here.ada.id)}: from Matrix`,
        `${world.ghosts.localpart(here.ben.id)}: from the app`,
      ]);
    });

    test("answers, mentions, edits and redactions arrive as such, and are not sent back", async () => {
      const here = await world.meeting();
      const { ada, ben, room, matrixRoom, client } = here;
      const asked = await world.say(ben, room, "a question");
      await world.mirrored(room);
      const question = (await client.timeline(matrixRoom)).find(
        ({ content }) => content.body === "a question",
      );
      const answer = await client.say(matrixRoom, {
        msgtype: "m.text",
        body: `> <${question?.sender}> a question\n\nan answer`,
        "m.relates_to": { "m.in_reply_to": { event_id: question?.event_id } },
        "m.mentions": { user_ids: [world.ghosts.ofUser(ben.id)] },
      });
      await world.untilSaid(here.room, "Ada: an answer");
      const event = (await world.events(room)).findLast(({ type }) => type === "message");
      expect(JSON.parse(event?.dataJson ?? "")).toEqual({
        text: "an answer",
        replyTo: asked,
        mentions: [String(ben.id)],
      });

      await client.say(matrixRoom, {
        msgtype: "m.text",
        body: "* a better answer",
        "m.new_content": { msgtype: "m.text", body: "a better answer" },
        "m.relates_to": { rel_type: "m.replace", event_id: answer },
      });
      await world.untilSaid(here.room, "Ada: a better answer");
      await client.redact(matrixRoom, answer);
      await world.untilSaid(here.room, "Ada: (deleted)");
      await world.mirrored(room);
      const log = (await world.events(room)).map(({ type, actor }) => `${type} ${actor.name}`);
      expect(log.slice(-2)).toEqual([
        `message.edited ${ada.displayName}`,
        `message.deleted ${ada.displayName}`,
      ]);
      const written = (await world.bot.timeline(matrixRoom)).filter(({ type }) =>
        /message|redaction/.test(type),
      );
      expect(written.map(({ type }) => type)).toEqual([
        "m.room.message",
        "m.room.message",
        "m.room.message",
        "m.room.redaction",
      ]);
    });

    test("a message from Matrix that is edited and deleted in the app changes in Matrix", async () => {
      const here = await world.meeting();
      const kept = await here.client.say(here.matrixRoom, "kept");
      const gone = await here.client.say(here.matrixRoom, "gone");
      await world.untilSaid(here.room, "Ada: gone");
      const seqOf = async (id: string) =>
        (await world.events(here.room)).find((event) => event.id === id)?.seq ?? 0;
      const { messages } = world.useCases;
      await messages.edit(userActor(here.ada), here.room.token, await seqOf(kept), { text: "kept, edited" });
      await messages.remove(userActor(here.ada), here.room.token, await seqOf(gone));
      await world.mirrored(here.room);
      const timeline = await here.client.timeline(here.matrixRoom);
      const at = (id: string) => timeline.find(({ event_id }) => event_id === id);
      expect(JSON.stringify(at(kept)?.unsigned?.["m.relations"]?.["m.replace"])).toContain("kept, edited");
      expect(at(gone)?.unsigned?.redacted_because).toBeDefined();
    });

    test("edits by anybody but the sender change nothing", async () => {
      const here = await world.meeting();
      await world.say(here.ben, here.room, "mine");
      await world.mirrored(here.room);
      const original = (await here.client.timeline(here.matrixRoom)).find(
        ({ content }) => content.body === "mine",
      );
      await here.client.say(here.matrixRoom, {
        msgtype: "m.text",
        body: "* yours",
        "m.new_content": { msgtype: "m.text", body: "yours" },
        "m.relates_to": { rel_type: "m.replace", event_id: original?.event_id },
      });
      await here.client.say(here.matrixRoom, "after it");
      await world.untilSaid(here.room, "Ada: after it");
      expect(await world.texts(here.room)).toEqual(["Ben: mine", "Ada: after it"]);
    });

    test("notices, emotes, pictures and empty messages come as what they can be", async () => {
      const here = await world.meeting();
      const { client, matrixRoom } = here;
      await client.say(matrixRoom, { msgtype: "m.notice", body: "beep" });
      await client.say(matrixRoom, { msgtype: "m.text", body: "" });
      await client.say(matrixRoom, { msgtype: "m.emote", body: "waves" });
      await client.say(matrixRoom, { msgtype: "m.image", body: "cat.png", url: "mxc://localhost/abc" });
      await world.untilSaid(here.room, "Ada: sent a file that did not arrive: cat.png (mxc://localhost/abc)");
      expect(await world.texts(here.room)).toEqual([
        "Ada: beep",
        "Ada: * Ada waves",
        "Ada: sent a file that did not arrive: cat.png (mxc://localhost/abc)",
      ]);
    });

    test("who is blocked is refused in the one-to-one room in Matrix, too", async () => {
      const { room, matrixRoom, client } = await world.meeting({ type: "one_to_one", name: "" });
      await client.say(matrixRoom, "Hello");
      await world.untilSaid(room, "Ada: Hello");
      // Under the homeserver's nose: the power levels there do not say so yet.
      await world.store.sql`update conversations set blocked = true where id = ${room.id}`;
      await world.store
        .sql`update room_heads set access_version = access_version + 1 where conversation_id = ${room.id}`;
      const refused = await client.say(matrixRoom, "Answer me");
      await until("the message is redacted", async () => {
        const event = (await client.timeline(matrixRoom)).find(({ event_id }) => event_id === refused);
        return event?.unsigned?.redacted_because !== undefined;
      });
      expect(await world.texts(room)).toEqual(["Ada: Hello"]);
    });

    test("the homeserver itself lets nobody call, or say anything, in a one-to-one room while one blocks the other", async () => {
      const { ada, ben, room, matrixRoom, client } = await world.meeting({ type: "one_to_one", name: "" });
      const block = (status: "blocked" | "accepted") =>
        world.useCases.connections.update(userActor(ben), ada.uuid, status);
      const untilPower = (is: (level: number) => boolean) =>
        until("the power levels", async () => {
          const levels = await world.bot.state<{ events_default: number }>(matrixRoom, "m.room.power_levels");
          return levels !== null && is(levels.events_default);
        });
      await block("blocked");
      await untilPower((level) => level > 0);
      const call = () =>
        client.ask("PUT", `rooms/${encodeURIComponent(matrixRoom)}/send/m.call.invite/${randomUUID()}`, {
          call_id: "c",
          party_id: "p",
          version: "1",
          lifetime: 60_000,
          offer: { type: "offer", sdp: "" },
        });
      await expect(call()).rejects.toThrow(/M_FORBIDDEN/);
      await block("accepted");
      await untilPower((level) => level === 0);
      await call();
      await client.say(matrixRoom, "Hello again");
      await world.untilSaid(room, "Ada: Hello again");
    });

    test("what the chat refuses is taken back in Matrix", async () => {
      const here = await world.meeting();
      const { ada, room, matrixRoom, client } = here;
      // Under the homeserver's nose: the power levels there do not say so yet.
      await world.store.sql`update conversations set read_only = true where id = ${room.id}`;
      await world.store
        .sql`update room_heads set access_version = access_version + 1 where conversation_id = ${room.id}`;
      const refused = await client.say(matrixRoom, "not now");
      await until("it is redacted", async () => {
        const event = (await client.timeline(matrixRoom)).find(({ event_id }) => event_id === refused);
        return event?.unsigned?.redacted_because !== undefined;
      });
      expect(await world.texts(room)).toEqual([]);
      expect(world.bridge.stats().refused).toBeGreaterThan(0);
      expect((await world.store.memberships.list([room.id])).map(({ userId }) => userId)).toContain(ada.id);
    });

    test("an owner renames the room from Matrix; a user can't", async () => {
      const here = await world.meeting();
      await here.client.ask("PUT", `rooms/${encodeURIComponent(here.matrixRoom)}/state/m.room.name/`, {
        name: "Renamed",
      });
      await until(
        "the new name",
        async () => (await world.store.rooms.byId(here.room.id))?.name === "Renamed",
      );
      const event = (await world.events(here.room)).at(-1);
      expect(event).toMatchObject({ type: "room.changed", actor: userActor(here.ada) });
      await world.mirrored(here.room);
      const names = (await world.bot.timeline(here.matrixRoom)).filter(({ type }) => type === "m.room.name");
      expect(names.map(({ sender }) => sender)).toEqual([world.ghosts.bot, here.client.id]);

      const ben = await world.signIn(here.ben);
      await ben.join(here.matrixRoom);
      const path = `rooms/${encodeURIComponent(here.matrixRoom)}/state/m.room.name/`;
      await expect(ben.ask("PUT", path, { name: "Ben's" })).rejects.toThrow("M_FORBIDDEN");
    });

    test("a name that the chat does not take is put back", async () => {
      const here = await world.meeting({ name: "Right" });
      const path = `rooms/${encodeURIComponent(here.matrixRoom)}/state/m.room.name/`;
      await here.client.ask("PUT", path, { name: "x".repeat(300) });
      await until("the name is put back", async () => {
        const state = await world.bot.state<{ name: string }>(here.matrixRoom, "m.room.name");
        return state?.name === "Right";
      });
      expect((await world.store.rooms.byId(here.room.id))?.name).toBe("Right");
    });

    test("who is handed credentials is in their rooms soon, joined", async () => {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const rooms = [await world.group([ada, ben]), await world.group([ben, ada])];
      const matrixRooms = await Promise.all(rooms.map(world.mirrored));
      const { createBridgeStore } = await import("../../../bridge/store/bridge-store.ts");
      await createBridgeStore(world.store.sql).markMatrixAccount(ben.id);
      const client = await world.signIn(ben);
      await until("Ben has joined", async () => (await client.rooms()).joined.length === 2);
      expect((await client.rooms()).joined.toSorted()).toEqual(matrixRooms.toSorted());
      const later = await world.mirrored(await world.group([ada, ben]));
      expect((await client.rooms()).joined).toContain(later);
    });
  },
  { scanMs: 300 },
);
