/** From the chat to Matrix. */
import { expect, test } from "vitest";
import { SYSTEM_ACTOR, userActor } from "../../../src/domain/model.ts";
import { describeBridge, until } from "../world.ts";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABXvMqOgAAAABJRU5ErkJggg==",
  "base64",
);

describeBridge(
  "from the chat to Matrix",
  (world) => {
    test("messages come as their senders' ghosts, under their names, in the order of the log", async () => {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const room = await world.group([ada, ben]);
      for (let n = 1; n <= 5; n++) await world.say(n % 2 ? ada : ben, room, `message ${n}`);
      const matrixRoom = await world.mirrored(room);
      const name = (id: number) => world.ghosts.localpart(id);
      expect(await world.bot.texts(matrixRoom)).toEqual(
        [1, 2, 3, 4, 5].map((n) => `${name(n % 2 ? ada.id : ben.id)}: message ${n}`),
      );
      const member = await world.bot.state(matrixRoom, "m.room.member", world.ghosts.ofUser(ada.id));
      expect(member).toMatchObject({ membership: "join", displayname: "Ada" });
      expect((await world.store.rooms.byId(room.id))?.matrixRoomId).toBe(matrixRoom);
    });

    test("an answer, an edit and a deletion refer to the message they are about", async () => {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const room = await world.group([ada, ben]);
      const first = await world.say(ada, room, "first");
      await world.say(ben, room, "an answer", { replyTo: first, mentions: [String(ada.id)] });
      const gone = await world.say(ada, room, "to be deleted");
      await world.mirrored(room);
      await world.useCases.messages.edit(userActor(ada), room.token, first, { text: "first, edited" });
      await world.useCases.messages.remove(userActor(ada), room.token, gone);
      const events = (await world.bot.timeline(await world.mirrored(room))).filter(
        ({ type }) => type === "m.room.message",
      );
      const [original, answer, deleted, edit] = events;
      expect(answer?.content).toMatchObject({
        body: "an answer",
        "m.relates_to": { "m.in_reply_to": { event_id: original?.event_id } },
        "m.mentions": { user_ids: [world.ghosts.ofUser(ada.id)] },
      });
      expect(deleted).toMatchObject({
        content: {},
        unsigned: { redacted_because: { sender: world.ghosts.ofUser(ada.id) } },
      });
      expect(edit?.content).toMatchObject({
        body: "* first, edited",
        "m.new_content": { body: "first, edited" },
        "m.relates_to": { rel_type: "m.replace", event_id: original?.event_id },
      });
      expect(original?.unsigned?.["m.relations"]?.["m.replace"]).toBeDefined();
    });

    test("whoever is in the chatroom is invited, whoever leaves is removed, roles are power levels", async () => {
      const [ada, ben, cat] = [await world.user("Ada"), await world.user("Ben"), await world.user("Cat")];
      const room = await world.group([ada, ben, cat], { roles: ["moderator", "user"] });
      const matrixRoom = await world.mirrored(room);
      const membership = async (id: number) =>
        (await world.bot.state<{ membership: string }>(matrixRoom, "m.room.member", world.ghosts.ofUser(id)))
          ?.membership;
      expect([await membership(ada.id), await membership(cat.id)]).toEqual(["invite", "invite"]);
      expect(await world.bot.state(matrixRoom, "m.room.power_levels")).toMatchObject({
        users: { [world.ghosts.ofUser(ada.id)]: 100, [world.ghosts.ofUser(ben.id)]: 50 },
      });

      const { roomLifecycle } = world.useCases;
      await roomLifecycle.setRole(userActor(ada), room.token, userActor(cat), "moderator");
      await roomLifecycle.removeMember(userActor(ada), room.token, userActor(ben));
      await world.mirrored(room);
      expect([await membership(ben.id), await membership(cat.id)]).toEqual(["leave", "invite"]);
      const { users } = (await world.bot.state<{ users: object }>(matrixRoom, "m.room.power_levels")) ?? {};
      expect(users).toEqual({
        [world.ghosts.bot]: 150,
        [world.ghosts.ofUser(ada.id)]: 100,
        [world.ghosts.ofUser(cat.id)]: 50,
      });
    });

    test("a room of two that is made after one blocked the other is shut from the start, and has what was said before", async () => {
      await world.bridge.stop();
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const [cat, dan] = [await world.user("Cat"), await world.user("Dan")];
      const talked = await world.group([ada, ben], { type: "one_to_one", name: "" });
      const silent = await world.group([cat, dan], { type: "one_to_one", name: "" });
      await world.say(ada, talked, "Hello");
      await world.say(ben, talked, "Go away");
      await world.useCases.connections.update(userActor(ben), ada.uuid, "blocked");
      await world.useCases.connections.update(userActor(dan), cat.uuid, "blocked");
      await world.startBridge();
      const levels = async (matrixRoom: string) =>
        (await world.bot.timeline(matrixRoom))
          .filter(({ type }) => type === "m.room.power_levels")
          .map(({ content }) => content.events_default as number);
      const ofSilent = await levels(await world.mirrored(silent));
      expect(ofSilent.every((level) => level > 0)).toBe(true);
      expect(ofSilent.length).toBeGreaterThan(0);
      const matrixRoom = await world.mirrored(talked);
      const name = (id: number) => world.ghosts.localpart(id);
      expect(await world.bot.texts(matrixRoom)).toEqual([
        `${name(ada.id)}: Hello`,
        `${name(ben.id)}: Go away`,
      ]);
      await until("it is shut again", async () => ((await levels(matrixRoom)).at(-1) ?? 0) > 0);
    });

    test("what somebody said before they left comes as theirs, and they are out in the end", async () => {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const room = await world.group([ada, ben]);
      await world.say(ben, room, "bye");
      await world.useCases.roomLifecycle.leave(userActor(ben), room.token);
      await world.say(ada, room, "gone");
      const matrixRoom = await world.mirrored(room);
      expect(await world.bot.texts(matrixRoom)).toEqual([
        `${world.ghosts.localpart(ben.id)}: bye`,
        `${world.ghosts.localpart(ada.id)}: gone`,
      ]);
      const state = await world.bot.state(matrixRoom, "m.room.member", world.ghosts.ofUser(ben.id));
      expect(state).toMatchObject({ membership: "leave" });
    });

    test("a new name of the room, and a read-only room, are so in Matrix too", async () => {
      const ada = await world.user("Ada");
      const room = await world.group([ada], { name: "Before" });
      const matrixRoom = await world.mirrored(room);
      expect(await world.bot.state(matrixRoom, "m.room.name")).toEqual({ name: "Before" });
      await world.say(ada, room, "before the lock");
      await world.useCases.roomLifecycle.rename(userActor(ada), room.token, "After");
      await world.useCases.roomLifecycle.setReadOnly(userActor(ada), room.token, true);
      await world.mirrored(room);
      expect(await world.bot.state(matrixRoom, "m.room.name")).toEqual({ name: "After" });
      const client = await world.signIn(ada);
      await client.join(matrixRoom);
      await expect(client.say(matrixRoom, "not now")).rejects.toThrow("M_FORBIDDEN");
      await world.useCases.roomLifecycle.setReadOnly(userActor(ada), room.token, false);
      await world.mirrored(room);
      await client.say(matrixRoom, "now");
      await until("it is in the chat", async () => (await world.texts(room)).includes("Ada: now"));
    });

    test("where only moderators write, members can't in Matrix, and moderators, reactions and earlier messages can", async () => {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const room = await world.group([ada, ben]);
      const matrixRoom = await world.mirrored(room);
      const { roomSettings } = world.useCases;
      await world.say(ben, room, "before");
      await roomSettings.update(userActor(ada), room.token, { posting: "moderators" });
      await world.say(ada, room, "from now on I speak");
      await world.mirrored(room);
      expect(await world.bot.texts(matrixRoom)).toEqual([
        `${world.ghosts.localpart(ben.id)}: before`,
        `${world.ghosts.localpart(ada.id)}: from now on I speak`,
      ]);
      const [a, b] = [await world.signIn(ada), await world.signIn(ben)];
      for (const client of [a, b]) await client.join(matrixRoom);
      await expect(b.say(matrixRoom, "not me")).rejects.toThrow("M_FORBIDDEN");
      await a.say(matrixRoom, "but me");
      await until("it is in the chat", async () => (await world.texts(room)).includes("Ada: but me"));
      await roomSettings.update(userActor(ada), room.token, { posting: "all" });
      await world.mirrored(room);
      await b.say(matrixRoom, "me too");
      await until("it is in the chat", async () => (await world.texts(room)).includes("Ben: me too"));
    });

    test("a room's picture is shown, and no longer once it is replaced", async () => {
      const { directory, chatrooms, roomSettings } = world.useCases;
      const ada = await world.user("Ada");
      const organization = await directory.createOrganization({ name: `Org ${ada.id}`, defaultRoom: false });
      await directory.putOrganizationUser(organization.id, ada.id, "member");
      const { room: chatroom } = await chatrooms.create(
        { kind: "organization", organization, tokenId: 0 },
        { organizationId: organization.id, name: "Faces", admins: [ada.id], avatar: PNG },
      );
      const matrixRoom = await world.mirrored(chatroom);
      const url = await world.store
        .sql`select value from bridge_state where key = ${`avatar:${chatroom.avatarId}`}`;
      expect(await world.bot.state(matrixRoom, "m.room.avatar")).toEqual({ url: url[0]?.value });
      await roomSettings.update(userActor(ada), chatroom.token, { avatarUrl: "https://a.example/1.png" });
      await world.mirrored(chatroom);
      expect(await world.bot.state(matrixRoom, "m.room.avatar")).toEqual({});
      const left = await world.store
        .sql`select key from bridge_state where key = ${`avatar:${chatroom.avatarId}`}`;
      expect(left).toHaveLength(0);
    });

    test("a member of a joined-history room sees what was said since they became one, a shared room all", async () => {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      for (const history of ["joined", "shared"] as const) {
        const room = await world.group([ada], { history });
        await world.say(ada, room, "before");
        await world.mirrored(room);
        const people = [{ member: userActor(ben), role: "user" as const }];
        await world.useCases.roomLifecycle.addMembers(userActor(ada), room.token, people);
        await world.say(ada, room, "after");
        const matrixRoom = await world.mirrored(room);
        const client = await world.signIn(ben);
        await client.join(matrixRoom);
        const seen = (await client.texts(matrixRoom)).map((text) => text.replace(/^.*: /, ""));
        expect(seen, history).toEqual(history === "shared" ? ["before", "after"] : ["after"]);
      }
    });

    test("guests speak under their names, and Causeway itself as the bot", async () => {
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      const guest = { kind: "guest" as const, id: "G-7", name: "Gus (guest)" };
      await world.useCases.roomLifecycle.addMembers(SYSTEM_ACTOR, room.token, [
        { member: guest, role: "guest" },
      ]);
      await world.useCases.messages.send(guest, room.token, { id: "1", text: "as a guest" });
      const matrixRoom = await world.mirrored(room);
      const said = (await world.bot.timeline(matrixRoom)).find(
        ({ content }) => content.body === "as a guest",
      );
      const { sender = "" } = said ?? {};
      expect(sender).toBe(world.ghosts.ofActor(guest));
      expect(await world.bot.state(matrixRoom, "m.room.member", sender)).toMatchObject({
        displayname: "Gus (guest)",
      });
    });

    test("a message that was deleted before it went out never shows its text", async () => {
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      const matrixRoom = await world.mirrored(room);
      const hold = world.startBridge;
      await world.bridge.stop();
      const seq = await world.say(ada, room, "a secret");
      await world.useCases.messages.remove(userActor(ada), room.token, seq);
      await world.say(ada, room, "after it");
      await hold();
      await world.mirrored(room);
      expect(await world.bot.texts(matrixRoom)).toEqual([`${world.ghosts.localpart(ada.id)}: after it`]);
    });

    test("of a very long text the beginning is shown, and a file has all of it", async () => {
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      await world.say(ada, room, "😀".repeat(16_000));
      await world.say(ada, room, "after it");
      const texts = await world.bot.texts(await world.mirrored(room));
      expect(texts).toHaveLength(3);
      expect(texts[0]).toMatch(/😀… \[shortened: message.txt has the whole text\]$/u);
      expect(texts[1]).toMatch(/: message.txt$/);
    });

    test("a new name of a user is their ghost's, in every room, without further ado", async () => {
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      await world.say(ada, room, "hi");
      const matrixRoom = await world.mirrored(room);
      await world.useCases.directory.updateUser(ada.id, { displayName: "Ada Lovelace" });
      await until("the new name", async () => {
        const key = world.ghosts.ofUser(ada.id);
        const member = await world.bot.state<{ displayname: string }>(matrixRoom, "m.room.member", key);
        return member?.displayname === "Ada Lovelace";
      });
    });

    test("a deleted chatroom's Matrix room is emptied, and its name is free", async () => {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const room = await world.group([ada, ben]);
      await world.say(ada, room, "hi");
      const matrixRoom = await world.mirrored(room);
      const client = await world.signIn(ada);
      expect((await client.rooms()).joined).toEqual([matrixRoom]);
      const alias = `#${world.registration.prefix}room_${room.token}:${world.homeserver.serverName}`;
      const path = `directory/room/${encodeURIComponent(alias)}`;
      expect(await client.ask("GET", path)).toMatchObject({ room_id: matrixRoom });
      await world.useCases.roomLifecycle.delete(userActor(ada), room.token);
      await until("nobody is in it", async () => (await client.rooms()).joined.length === 0);
      await until("it is forgotten", async () => {
        const rows = await world.store.sql`select from bridge_rooms where conversation_id = ${room.id}`;
        return rows.length === 0;
      });
      await expect(client.ask("GET", path)).rejects.toThrow("M_NOT_FOUND");
      await expect(world.bot.timeline(matrixRoom)).rejects.toThrow("M_FORBIDDEN");
    });

    test("the picture of a room is its avatar", async () => {
      const { directory, chatrooms } = world.useCases;
      const organization = await directory.createOrganization({ name: "Rescue" });
      const principal = { kind: "organization" as const, organization, tokenId: 0 };
      const avatar = Buffer.from(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        "base64",
      );
      const input = { organizationId: organization.id, name: "With a picture", avatar };
      const { room: chatroom } = await chatrooms.create(principal, input);
      const { url } =
        (await world.bot.state<{ url: string }>(await world.mirrored(chatroom), "m.room.avatar")) ?? {};
      expect(url).toMatch(/^mxc:\/\//);
    });
  },
  { scanMs: 300 },
);
