/** Matrix rooms that are deleted or changed at the homeserver by others than the chat are put right. */
import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { createMatrixAccounts } from "../../bridge/homeserver/accounts.ts";
import { createBridgeStore } from "../../bridge/store/bridge-store.ts";
import { userActor, userKey } from "../../src/domain/model.ts";
import { untilQuiet } from "./quiet.ts";
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

    test("name, topic, alias and rights that others changed or removed are put back", async () => {
      const { room, matrixRoom, client } = await world.meeting({ name: "Right", description: "On topic" });
      const types = [
        ...["m.room.name", "m.room.topic", "m.room.canonical_alias", "m.room.power_levels"],
        "m.room.join_rules",
      ];
      // Synapse adds other forms of the topic to what it makes rooms with.
      const plain = (state: { "m.topic"?: object } | null) => ({ ...state, "m.topic": undefined });
      const states = () =>
        Promise.all(types.map(async (type) => plain(await world.bot.state(matrixRoom, type))));
      const path = (rest: string) => `rooms/${encodeURIComponent(matrixRoom)}/${rest}`;
      const right = await states();
      const named = (await world.bot.timeline(matrixRoom)).find(({ type }) => type === "m.room.name");
      const isRight = async () => JSON.stringify(await states()) === JSON.stringify(right);
      await client.redact(matrixRoom, named?.event_id ?? "");
      await until("its name is back", isRight);
      expect((await world.store.rooms.byId(room.id))?.name).toBe("Right");
      await client.ask("PUT", path("state/m.room.name/"), { name: "" });
      await until("its name is back again", isRight);
      await untilQuiet(world, room);
      // With rights that the chat did not give.
      const power = await world.bot.state<Record<string, unknown>>(matrixRoom, "m.room.power_levels");
      await world.bot.ask("PUT", path("state/m.room.power_levels/"), { ...power, state_default: 0 });
      for (const [type, content] of Object.entries({
        "m.room.join_rules": { join_rule: "public" },
        "m.room.canonical_alias": {},
      }))
        await client.ask("PUT", path(`state/${type}/`), content);
      await until("all is as in the chat", isRight);
    });

    test("a ghost whom somebody without the right removed is back", async () => {
      const { ben, room, matrixRoom } = await world.meeting();
      const mel = await world.stranger();
      await world.bot.ask("POST", `rooms/${encodeURIComponent(matrixRoom)}/invite`, { user_id: mel.id });
      await mel.join(matrixRoom);
      await until("Mel is a member", async () => (await members(room)).length === 3);
      await untilQuiet(world, room);
      const power = await world.bot.state<Record<string, unknown>>(matrixRoom, "m.room.power_levels");
      const path = `rooms/${encodeURIComponent(matrixRoom)}`;
      const ghost = world.ghosts.ofUser(ben.id);
      // A right that the chat did not give.
      await world.bot.ask("PUT", `${path}/state/m.room.power_levels/`, {
        ...power,
        kick: 0,
        users: { ...(power?.users as object), [mel.id]: 50 },
      });
      await mel.ask("POST", `${path}/kick`, { user_id: ghost });
      await until("Ben is back", async () => {
        const member = await world.bot.state<{ membership: string }>(matrixRoom, "m.room.member", ghost);
        return member?.membership === "invite" || member?.membership === "join";
      });
      expect(await members(room)).toHaveLength(3);
    });

    test("a deactivated account takes nobody out of a room, and who signs in hears what to do", async () => {
      const { ada, room, matrixRoom, client } = await world.meeting();
      const { homeserver, store, useCases } = world;
      const accounts = createMatrixAccounts({
        ...{ homeserver, store: createBridgeStore(store.sql), provider: "none", logger: { warn() {} } },
      });
      const { id: tokenId } = await useCases.directory.createToken({ userId: ada.id, name: "t" });
      const credential = { via: "token", tokenId, expiresAt: null } as const;
      await admin("POST", `v1/deactivate/${encodeURIComponent(client.id)}`, { erase: false });
      await until("the bridge knows", async () => {
        const rows =
          await store.sql`select from bridge_ghosts where member = ${userKey(ada.id)} and deactivated`;
        return rows.length > 0;
      });
      expect(await members(room)).toEqual(["Ada", "Ben"]);
      await expect(accounts.login(ada, "PHONE", credential)).rejects.toMatchObject({
        code: "conflict",
        message: expect.stringContaining("activate it again"),
      });
      await expect(accounts.credentials(ada, credential)).rejects.toMatchObject({ code: "conflict" });
      await world.say(ada, room, "still here");
      await until("it is in Matrix", async () =>
        (await bodies(matrixRoom)).some((text) => text.endsWith("still here")),
      );
      const password = randomUUID();
      // Synapse answers 500 while it still deactivates the account.
      const activate = () =>
        admin("PUT", `v2/users/${encodeURIComponent(client.id)}`, { deactivated: false, password });
      await until("it is active again", () =>
        activate().then(
          () => true,
          () => false,
        ),
      );
      expect(await accounts.login(ada, "PHONE", credential)).toMatchObject({ userID: client.id });
      await until("the ghost is in its room", async () => {
        const member = await world.bot.state<{ membership: string }>(matrixRoom, "m.room.member", client.id);
        return member?.membership === "join";
      });
      expect(await members(room)).toEqual(["Ada", "Ben"]);
    });

    test("who leaves a room that is there leaves the chatroom a moment later", async () => {
      const { room, matrixRoom, client } = await world.meeting();
      await client.leave(matrixRoom);
      await until("Ada is out", async () => !(await members(room)).includes("Ada"));
      expect(await members(room)).toEqual(["Ben"]);
    });
  },
  { scanMs: 200, reconcileMs: 1_000 },
);
