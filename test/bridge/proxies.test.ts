/** A proxy in front of the homeserver answers in its stead: nothing is given up for that. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createHomeserver } from "../../bridge/homeserver/homeserver.ts";
import { type Room, type User, userActor } from "../../src/domain/model.ts";
import { type ProxyInFront, startProxy } from "./proxy.ts";
import { describeBridge, until } from "./world.ts";

const UNKNOWN_TOKEN = JSON.stringify({ errcode: "M_UNKNOWN_TOKEN", error: "Unrecognised access token" });

describeBridge(
  "a proxy that answers in the homeserver's stead",
  (world) => {
    let proxy: ProxyInFront;
    let ada: User;
    let room: Room;
    let matrixRoom: string;
    beforeAll(async () => {
      proxy = await startProxy(world.homeserver.baseUrl);
      await world.bridge.stop();
      const { registration } = world;
      const logger = { debug() {} };
      const { serverName } = world.homeserver;
      await world.startBridge({
        homeserver: createHomeserver({ baseUrl: proxy.url, registration, logger, serverName }),
      });
      ada = await world.user("Ada");
      room = await world.group([ada]);
      matrixRoom = await world.mirrored(room);
    });
    afterAll(() => proxy.close());

    /** The rooms' pauses are over. */
    const retryNow = () => world.store.sql`update bridge_rooms set retry_at = 0`;

    test.each([
      ["404", { status: 404 }],
      ["403", { status: 403 }],
      ["401", { status: 401 }],
      ["400", { status: 400 }],
      ["413", { status: 413 }],
      ["403 in JSON", { status: 403, type: "application/json", body: '{"message":"denied"}' }],
      ["200 with nothing of Matrix", { status: 200, type: "application/json", body: "{}" }],
      ["M_UNKNOWN_TOKEN", { status: 401, type: "application/json", body: UNKNOWN_TOKEN }],
    ])("%s to every send: all messages are in Matrix once it is over", async (name, nonsense) => {
      const { refused } = proxy;
      const { givenUp } = world.bridge.stats();
      proxy.instead = (path) => (path.includes("/send/") ? nonsense : null);
      const texts = Array.from({ length: 5 }, (_, n) => `message ${n} of ${name}`);
      for (const text of texts) await world.say(ada, room, text);
      await until("it was tried", async () => proxy.refused > refused);
      await until("operators are told", async () => !(await world.bridge.health()).ok);
      proxy.instead = () => null;
      await retryNow();
      await world.mirrored(room);
      const bodies = (await world.bot.texts(matrixRoom)).map((text) => text.replace(/^.*: /, ""));
      expect(bodies.filter((text) => text.endsWith(` of ${name}`))).toEqual(texts);
      expect(world.bridge.stats().givenUp).toBe(givenUp);
      await until("all is well", async () => (await world.bridge.health()).ok);
    });

    test("whoever is removed while it answers 403 is out of the Matrix room, and a deleted room's is emptied", async () => {
      const ben = await world.user("Ben");
      const [left, deleted] = [await world.group([ada, ben]), await world.group([ada, ben])];
      const matrixRooms = [await world.mirrored(left), await world.mirrored(deleted)];
      const client = await world.signIn(ben);
      for (const matrixRoom of matrixRooms) await client.join(matrixRoom);
      const [open, closed] = matrixRooms as [string, string];
      const { refused } = proxy;
      proxy.instead = (path) =>
        /\/(kick|members|state\/m\.room\.member)/.test(path) ? { status: 403 } : null;
      await world.useCases.roomLifecycle.removeMember(userActor(ada), left.token, userActor(ben));
      await world.useCases.roomLifecycle.delete(userActor(ada), deleted.token);
      await until("both were tried", async () => proxy.refused >= refused + 2);
      proxy.instead = () => null;
      await retryNow();
      await until("Ben is out of both", async () => (await client.rooms()).joined.length === 0);
      expect(await world.bot.state(open, "m.room.member", world.ghosts.ofUser(ben.id))).toMatchObject({
        membership: "leave",
      });
      await until("the bot has left the deleted room", async () => {
        return !(await world.bot.rooms()).joined.includes(closed);
      });
    });

    test("an event from Matrix waits as long as the homeserver can't be asked what it needs", async () => {
      const { room, matrixRoom } = await world.meeting();
      const mel = await world.stranger();
      await world.bot.ask("POST", `rooms/${encodeURIComponent(matrixRoom)}/invite`, { user_id: mel.id });
      await mel.join(matrixRoom);
      await until("Mel is a member", async () => {
        return (await world.events(room)).filter(({ type }) => type === "member.joined").length === 3;
      });
      const { refused } = proxy;
      proxy.instead = (path) => (path.includes("/download/") ? { status: 404 } : null);
      const url = await mel.upload(new Blob(["whole"]), "a.txt");
      await mel.say(matrixRoom, { msgtype: "m.file", body: "a.txt", url, info: { size: 5 } });
      await until("it was tried more often than a defect", async () => {
        await retryNow();
        return proxy.refused > refused + 6;
      });
      proxy.instead = () => null;
      await until("the file is in the chat", async () => {
        const messages = (await world.events(room)).filter(({ type }) => type === "message");
        const said = messages.at(-1)?.dataJson;
        return said?.includes('"a.txt"') && said.includes("attachments");
      });
    });
  },
  { scanMs: 200 },
);
