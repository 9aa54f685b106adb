/** Matrix rooms that are deleted or changed at the homeserver by others than the chat are put right. */
import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { userActor } from "../../src/domain/model.ts";
import { describeBridge, until } from "./world.ts";

describeBridge(
  "rooms that heal",
  (world) => {
    let adminToken: string;
    beforeAll(async () => {
      adminToken = (await world.registerUser(`admin-${randomUUID()}`, "password", true)).accessToken;
    });

    async function admin<T>(method: string, path: string, body: object = {}): Promise<T> {
      const answer = await fetch(`${world.homeserver.baseUrl}/_synapse/admin/${path}`, {
        method,
        headers: { authorization: `Bearer ${adminToken}` },
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
      return (await answer.json()) as T;
    }
    const bodies = async (matrixRoom: string) =>
      (await world.bot.texts(matrixRoom)).map((text) => text.replace(/^.*: /, ""));
    const members = async (room: { id: number }) =>
      (await world.store.memberships.list([room.id])).map(({ name }) => name).toSorted();

    test.each([
      { purge: true, said: 54, kept: 49 },
      { purge: false, said: 4, kept: 4 },
    ])(
      "a room that an administrator deleted is made again by itself, with its members and the last 50 messages ($purge)",
      async ({ purge, said, kept }) => {
        const { ada, ben, room, matrixRoom, client } = await world.meeting({ name: "Lasting" });
        await world.useCases.roomLifecycle.setReadOnly(userActor(ada), room.token, true);
        await world.useCases.roomLifecycle.setReadOnly(userActor(ada), room.token, false);
        for (let n = 0; n < said; n++) await world.say(ben, room, `message ${n}`);
        await world.mirrored(room);
        await client.say(matrixRoom, "from Matrix");
        await world.untilSaid(room, "Ada: from Matrix");
        await world.useCases.roomLifecycle.setReadOnly(userActor(ada), room.token, true);
        await world.mirrored(room);
        const texts = await world.texts(room);
        await admin("DELETE", `v1/rooms/${encodeURIComponent(matrixRoom)}`, { purge });
        // Nobody says anything: the audit finds it.
        const made = await until("there is a new room, with the newest messages", async () => {
          const now = (await world.store.rooms.byId(room.id))?.matrixRoomId;
          return now && now !== matrixRoom && (await bodies(now)).includes("from Matrix") && now;
        });
        await world.mirrored(room);
        expect(await bodies(made)).toEqual([
          ...Array.from({ length: kept }, (_, n) => `message ${said - kept + n}`),
          "from Matrix",
        ]);
        expect(await world.texts(room), "nothing came back").toEqual(texts);
        expect(await members(room)).toEqual(["Ada", "Ben"]);
        expect(await world.bot.state(made, "m.room.name")).toEqual({ name: "Lasting" });
        await until("nobody may write, as in the chat", async () => {
          const levels = await world.bot.state<{ events_default: number }>(made, "m.room.power_levels");
          return (levels?.events_default ?? 0) > 0;
        });
        await world.useCases.roomLifecycle.setReadOnly(userActor(ada), room.token, false);
        await client.join(made);
        await world.mirrored(room);
        await client.say(made, "and on");
        await world.untilSaid(room, "Ada: and on");
      },
      180_000,
    );

    test("who leaves a room that is there leaves the chatroom a moment later", async () => {
      const { room, matrixRoom, client } = await world.meeting();
      await client.leave(matrixRoom);
      await until("Ada is out", async () => !(await members(room)).includes("Ada"));
      expect(await members(room)).toEqual(["Ben"]);
    });
  },
  { scanMs: 200, reconcileMs: 1_000 },
);
