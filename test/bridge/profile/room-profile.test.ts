/** Topic, picture and roles of a room, from the chat to Matrix and back. */
import { describe, expect, test } from "vitest";
import { type Role, type Room, type User, userActor } from "../../../src/domain/model.ts";
import type { MatrixUser } from "../matrix-user.ts";
import { png } from "../pictures.ts";
import { untilQuiet } from "../quiet.ts";
import { describeBridge, type Meeting, until, type World } from "../world.ts";

describeBridge(
  "What a room is, both ways",
  (world) => {
    const path = (matrixRoom: string, type: string) =>
      `rooms/${encodeURIComponent(matrixRoom)}/state/${type}/`;
    const put = (who: MatrixUser, matrixRoom: string, type: string, content: object) =>
      who.ask("PUT", path(matrixRoom, type), content);
    const roomNow = async ({ id }: Room) => (await world.store.rooms.byId(id)) as Room;
    const topicOf = async (matrixRoom: string) =>
      (await world.bot.state<{ topic?: string }>(matrixRoom, "m.room.topic"))?.topic;
    const urlOf = async (matrixRoom: string) =>
      (await world.bot.state<{ url?: string }>(matrixRoom, "m.room.avatar"))?.url;
    const changes = async (matrixRoom: string, type: string) =>
      (await world.bot.timeline(matrixRoom)).filter((event) => event.type === type).length;

    describe("topic", () => {
      test("an owner's in Matrix is the chat's; the chat's is Matrix'", async () => {
        const { ada, room, matrixRoom, client } = await world.meeting({ description: "From the chat" });
        expect(await topicOf(matrixRoom)).toBe("From the chat");
        await put(client, matrixRoom, "m.room.topic", { topic: "From Matrix" });
        await until("the chat has it", async () => (await roomNow(room)).description === "From Matrix");
        const event = (await world.events(room)).at(-1);
        expect(event).toMatchObject({ type: "room.changed", actor: userActor(ada) });
        await world.useCases.roomSettings.update(userActor(ada), room.token, { description: "Back" });
        await world.mirrored(room);
        expect(await topicOf(matrixRoom)).toBe("Back");
        await put(client, matrixRoom, "m.room.topic", { topic: "" });
        await until("there is none", async () => (await roomNow(room)).description === null);
      });

      test("what the chat does not take is put back, and what members without the right set is refused at once", async () => {
        const { room, matrixRoom, client, ben } = await world.meeting({ description: "Right" });
        await put(client, matrixRoom, "m.room.topic", { topic: "x".repeat(2_001) });
        await until("it is put back", async () => (await topicOf(matrixRoom)) === "Right");
        const member = await world.signIn(ben);
        await member.join(matrixRoom);
        await expect(put(member, matrixRoom, "m.room.topic", { topic: "Ben's" })).rejects.toThrow(
          "M_FORBIDDEN",
        );
        expect((await roomNow(room)).description).toBe("Right");
      });

      test("of changes on both sides while the bridge is away one is left, on both sides, and nobody's who lost the right", async () => {
        const { room, matrixRoom, client, ada } = await world.meeting({ description: "Before" });
        const other = await world.meeting({ description: "Mine" });
        await world.bridge.stop();
        await put(client, matrixRoom, "m.room.topic", { topic: "In Matrix" });
        await world.useCases.roomSettings.update(userActor(ada), room.token, { description: "In the chat" });
        await put(other.client, other.matrixRoom, "m.room.topic", { topic: "Not any more" });
        await takeRole(world, other.room, other.ada);
        await world.startBridge();
        await until("both have one", async () => {
          const { description } = await roomNow(room);
          return description !== "Before" && description === (await topicOf(matrixRoom));
        });
        await until("the other is put back", async () => (await topicOf(other.matrixRoom)) === "Mine");
        expect((await roomNow(other.room)).description).toBe("Mine");
        const [events, topics] = [
          (await world.events(room)).length,
          await changes(matrixRoom, "m.room.topic"),
        ];
        await settled(world, { room, matrixRoom, client, ada });
        expect((await world.events(room)).length).toBe(events + 1);
        expect(await changes(matrixRoom, "m.room.topic")).toBe(topics);
      });
    });

    describe("picture", () => {
      test("a picture of Matrix is the chat's under the same address, and is taken away there, too", async () => {
        const meeting = await world.meeting();
        const { ada, room, matrixRoom, client } = meeting;
        const mxc = await client.upload(new Blob([png(8, 8)], { type: "image/png" }), "a.png");
        await put(client, matrixRoom, "m.room.avatar", { url: mxc });
        const { avatarId } = await until("the chat has it", async () => {
          const now = await roomNow(room);
          return now.avatarId !== null && now;
        });
        const kept = await world.store.avatars.get(avatarId ?? "");
        expect(kept?.mime).toBe("image/png");
        expect((await world.events(room)).at(-1)).toMatchObject({
          type: "room.changed",
          actor: userActor(ada),
        });
        await settled(world, meeting);
        expect(await urlOf(matrixRoom)).toBe(mxc);
        expect(await changes(matrixRoom, "m.room.avatar")).toBe(1);
        // Nothing of it counts as a file of Ada's.
        expect((await world.useCases.attachments.list(userActor(ada), { limit: 10 })).attachments).toEqual(
          [],
        );
        await put(client, matrixRoom, "m.room.avatar", {});
        await until("there is none", async () => (await roomNow(room)).avatarId === null);
      });

      test("a picture that is too large comes in a smaller form", async () => {
        const { room, matrixRoom, client } = await world.meeting();
        const large = png(900, 900);
        expect(large.length).toBeGreaterThan(1 << 20);
        const mxc = await client.upload(new Blob([large], { type: "image/png" }), "large.png");
        await put(client, matrixRoom, "m.room.avatar", { url: mxc });
        await until("the chat has it", async () => (await roomNow(room)).avatarId !== null);
        expect(await urlOf(matrixRoom)).toBe(mxc);
      });

      test("a picture that is none, or that does not come, is put back and holds nothing up", async () => {
        const { room, matrixRoom, client } = await world.meeting();
        const text = await client.upload(new Blob(["no picture"], { type: "image/png" }), "a.png");
        for (const url of [text, `mxc://${world.homeserver.serverName}/nothing`, "javascript:alert(1)"]) {
          await put(client, matrixRoom, "m.room.avatar", { url });
          await until(`${url} is taken away`, async () => (await urlOf(matrixRoom)) === undefined);
        }
        await client.say(matrixRoom, "and on");
        await world.untilSaid(room, "Ada: and on");
        expect((await roomNow(room)).avatarId).toBeNull();
      });
    });

    describe("roles", () => {
      const levels = async (matrixRoom: string) =>
        (await world.bot.state<{ users: Record<string, number> }>(matrixRoom, "m.room.power_levels")) ?? {
          users: {},
        };
      const give = async (who: MatrixUser, matrixRoom: string, users: Record<string, number>, more = {}) => {
        const now = await levels(matrixRoom);
        await put(who, matrixRoom, "m.room.power_levels", {
          ...now,
          ...more,
          users: { ...now.users, ...users },
        });
      };
      const roleOf = async (room: Room, user: User) =>
        (await world.store.memberships.list([room.id])).find(({ userId }) => userId === user.id)?.role;

      test("a level that somebody may give is the role in the chat, and what is no role is put back", async () => {
        const meeting = await world.meeting();
        const { ada, ben, room, matrixRoom, client } = meeting;
        const ghost = world.ghosts.ofUser(ben.id);
        const before = await levels(matrixRoom);
        await give(client, matrixRoom, { [ghost]: 50 });
        await until("Ben moderates", async () => (await roleOf(room, ben)) === "moderator");
        expect((await world.events(room)).at(-1)).toMatchObject({
          type: "member.changed",
          actor: userActor(ada),
        });
        await settled(world, meeting);
        expect(await levels(matrixRoom)).toEqual({ ...before, users: { ...before.users, [ghost]: 50 } });
        await untilQuiet(world, room);
        await give(client, matrixRoom, { [ghost]: 0, "@nobody:else": 50 }, { kick: 0 });
        await until("Ben moderates no more", async () => (await roleOf(room, ben)) === "user");
        await until("the rest is put back", async () => {
          const now = await levels(matrixRoom);
          return JSON.stringify(now) === JSON.stringify(before);
        });
        const made = await changes(matrixRoom, "m.room.power_levels");
        await settled(world, meeting);
        expect(await changes(matrixRoom, "m.room.power_levels")).toBe(made);
      });

      test("an owner is made by owners alone", async () => {
        const [ada, ben, cem] = [await world.user("Ada"), await world.user("Ben"), await world.user("Cem")];
        const room = await world.group([ada, ben, cem], { roles: ["moderator", "user"] });
        const matrixRoom = await world.mirrored(room);
        const client = await world.signIn(ben);
        await client.join(matrixRoom);
        await give(client, matrixRoom, { [world.ghosts.ofUser(cem.id)]: 50 });
        await until("Cem moderates", async () => (await roleOf(room, cem)) === "moderator");
        await untilQuiet(world, room);
        const owner = (await levels(matrixRoom)).users[world.ghosts.ofUser(ada.id)] as number;
        await expect(give(client, matrixRoom, { [world.ghosts.ofUser(cem.id)]: owner })).rejects.toThrow(
          "M_FORBIDDEN",
        );
        const ofAda = await world.signIn(ada);
        await ofAda.join(matrixRoom);
        await give(ofAda, matrixRoom, { [world.ghosts.ofUser(cem.id)]: owner });
        await until("Cem is an owner", async () => (await roleOf(room, cem)) === "owner");
      });

      test("a role that was given in the chat meanwhile stays, and who lost the right gives none", async () => {
        const { ada, ben, room, matrixRoom, client } = await world.meeting();
        const cem = await world.user("Cem");
        await world.useCases.roomLifecycle.addMembers(userActor(ada), room.token, [
          { member: userActor(cem), role: "user" },
        ]);
        await world.mirrored(room);
        const other = await world.meeting();
        await world.bridge.stop();
        await world.useCases.roomLifecycle.setRole(userActor(ada), room.token, userActor(ben), "moderator");
        await give(client, matrixRoom, { [world.ghosts.ofUser(cem.id)]: 50 });
        await give(other.client, other.matrixRoom, { [world.ghosts.ofUser(other.ben.id)]: 50 });
        await takeRole(world, other.room, other.ada);
        await world.startBridge();
        await until("Cem moderates", async () => (await roleOf(room, cem)) === "moderator");
        expect(await roleOf(room, ben)).toBe("moderator");
        await world.mirrored(room);
        expect((await levels(matrixRoom)).users).toMatchObject({
          [world.ghosts.ofUser(ben.id)]: 50,
          [world.ghosts.ofUser(cem.id)]: 50,
        });
        await until("the level is taken back", async () => {
          const { users } = await levels(other.matrixRoom);
          return users[world.ghosts.ofUser(other.ben.id)] === undefined;
        });
        expect(await roleOf(other.room, other.ben)).toBe("user");
      });
    });
  },
  { scanMs: 300 },
);

/** Takes the moderator's role from a member under the homeserver's nose: the power levels there do not say so. */
async function takeRole({ store }: World, room: Room, { id }: User, role: Role = "user"): Promise<void> {
  await store.sql`update memberships set role = ${role} where conversation_id = ${room.id} and user_id = ${id}`;
  await store.sql`update room_heads set access_version = access_version + 1 where conversation_id = ${room.id}`;
}

/** Sends a message from Matrix: when it is in the chat, and the room's turn over, whatever came before it is applied and answered. */
async function settled(
  world: World,
  { room, matrixRoom, client, ada }: Pick<Meeting, "room" | "matrixRoom" | "client" | "ada">,
) {
  const text = `settled ${Math.random()}`;
  await client.say(matrixRoom, text);
  await world.untilSaid(room, `${ada.displayName}: ${text}`);
  await untilQuiet(world, room);
}
