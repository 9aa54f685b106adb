/** Rooms of each version of Matrix that MATRIX_ROOM_VERSION takes, on a real homeserver. */
import { expect, test } from "vitest";
import type { Homeserver } from "../../../bridge/homeserver/homeserver.ts";
import { userActor } from "../../../src/domain/model.ts";
import { describeBridge, until, type World } from "../world.ts";

interface Levels {
  users: Record<string, number>;
  state_default: number;
}

const levelsIn = async (world: World, matrixRoom: string) =>
  (await world.bot.state<Levels>(matrixRoom, "m.room.power_levels")) as Levels;
const path = (matrixRoom: string, type: string) => `rooms/${encodeURIComponent(matrixRoom)}/state/${type}/`;

describeBridge("rooms of the default version", (world) => {
  test("are of version 11, where the homeserver's own default is another", async () => {
    const { matrixRoom } = await world.meeting();
    expect(await world.bot.state(matrixRoom, "m.room.create")).toMatchObject({ room_version: "11" });
    expect(matrixRoom).toMatch(/^!.+:.+$/);
  });

  test("keep the bot's level where an older bot made them, and its owners below it", async () => {
    const { ada, ben, room, matrixRoom } = await world.meeting();
    const levels = JSON.parse(JSON.stringify(await levelsIn(world, matrixRoom)).replaceAll("150", "100"));
    const [adas, bens] = [ada, ben].map(({ id }) => world.ghosts.ofUser(id)) as [string, string];
    const users = { [world.ghosts.bot]: 100, [adas]: 99 };
    await world.bot.ask("PUT", path(matrixRoom, "m.room.power_levels"), { ...levels, users });
    await world.useCases.roster.promote(userActor(ada), room.token, userActor(ben));
    await world.mirrored(room);
    expect((await levelsIn(world, matrixRoom)).users).toEqual({ ...users, [bens]: 50 });
    expect(world.bridge.stats()).toMatchObject({ givenUp: 0, deadLetters: 0 });
  });

  test("are of the homeserver's default where it does not know the wanted version", async () => {
    await world.bridge.stop();
    const request: Homeserver["request"] = async (method, where, options) => {
      if (!where.endsWith("/capabilities"))
        return await world.homeserver.request<never>(method, where, options);
      return {
        capabilities: { "m.room_versions": { default: "10", available: { "10": "stable" } } },
      } as never;
    };
    await world.startBridge({ homeserver: { ...world.homeserver, request } });
    const room = await world.group([await world.user()]);
    const matrixRoom = await world.mirrored(room);
    expect(await world.bot.state(matrixRoom, "m.room.create")).toMatchObject({ room_version: "10" });
  });
});

for (const roomVersion of ["11", "12"])
  describeBridge(
    `rooms of version ${roomVersion}`,
    (world) => {
      test("say so; the bot stands above the owner, who takes nothing from it", async () => {
        const { ada, ben, room, matrixRoom, client } = await world.meeting();
        expect(await world.bot.state(matrixRoom, "m.room.create")).toMatchObject({
          room_version: roomVersion,
        });
        expect(matrixRoom.includes(":")).toBe(roomVersion === "11");
        const owner = world.ghosts.ofUser(ada.id);
        const levels = await levelsIn(world, matrixRoom);
        expect(levels).toMatchObject({ state_default: 150 });
        expect(levels.users).toEqual(
          roomVersion === "11" ? { [world.ghosts.bot]: 150, [owner]: 100 } : { [owner]: 100 },
        );
        for (const [type, content] of Object.entries({
          "m.room.power_levels": { ...levels, state_default: 0 },
          "m.room.encryption": { algorithm: "m.megolm.v1.aes-sha2" },
          "m.room.tombstone": { body: "gone", replacement_room: "!x" },
        }))
          await expect(client.ask("PUT", path(matrixRoom, type), content)).rejects.toThrow("M_FORBIDDEN");
        await client.ask("PUT", path(matrixRoom, "m.room.name"), { name: "Renamed" });
        await client.say(matrixRoom, "from Matrix");
        await world.say(ben, room, "from the chat");
        await world.untilSaid(room, "Ada: from Matrix");
        await world.mirrored(room);
        expect(await world.bot.texts(matrixRoom)).toContain(
          `${world.ghosts.localpart(ben.id)}: from the chat`,
        );
        expect((await world.store.rooms.byId(room.id))?.name).toBe("Renamed");
      });

      test("follow roles, are closed for writing, and are cleared away with their owners in them", async () => {
        const { ada, ben, room, matrixRoom, client } = await world.meeting();
        const { roomLifecycle, roster } = world.useCases;
        const by = userActor(ada);
        await roster.promote(by, room.token, userActor(ben));
        await world.mirrored(room);
        expect((await levelsIn(world, matrixRoom)).users[world.ghosts.ofUser(ben.id)]).toBe(50);
        await roomLifecycle.setReadOnly(by, room.token, true);
        await world.mirrored(room);
        await expect(client.say(matrixRoom, "not now")).rejects.toThrow("M_FORBIDDEN");
        await roomLifecycle.removeMember(by, room.token, userActor(ben));
        await world.mirrored(room);
        expect(await world.bot.state(matrixRoom, "m.room.member", world.ghosts.ofUser(ben.id))).toMatchObject(
          { membership: "leave" },
        );
        await roomLifecycle.delete(by, room.token);
        await until("it is cleared away", async () => {
          const rows = await world.store.sql`select from bridge_rooms where conversation_id = ${room.id}`;
          return rows.length === 0;
        });
        expect((await client.rooms()).joined).not.toContain(matrixRoom);
      });

      test("are made again after an administrator deleted them", async () => {
        const { room, matrixRoom } = await world.meeting();
        const { accessToken } = await world.registerUser(
          `admin-${room.token.toLowerCase()}`,
          "password",
          true,
        );
        await fetch(`${world.homeserver.baseUrl}/_synapse/admin/v1/rooms/${encodeURIComponent(matrixRoom)}`, {
          method: "DELETE",
          headers: { authorization: `Bearer ${accessToken}` },
          body: JSON.stringify({ purge: true }),
        });
        await until("there is a new one", async () => {
          const made = (await world.store.rooms.byId(room.id))?.matrixRoomId;
          return made && made !== matrixRoom;
        });
        const made = await world.mirrored(room);
        expect(await world.bot.state(made, "m.room.create")).toMatchObject({ room_version: roomVersion });
      });
    },
    { roomVersion, scanMs: 300, reconcileMs: 1_000 },
  );
