/** The worker dies in the worst moments, and the homeserver answers what it rarely does. */
import { expect, test } from "vitest";
import { HomeserverError } from "../../bridge/homeserver/homeserver-error.ts";
import { createBridgeStore } from "../../bridge/store/bridge-store.ts";
import { userActor } from "../../src/domain/model.ts";
import { faulty, isSend, killedAfterSend, never, refusal, withoutAudit } from "./faulty.ts";
import { describeBridge, until } from "./world.ts";

describeBridge(
  "a worker that dies, a homeserver that balks",
  (world) => {
    test.each([true, false])(
      "killed between the send and storing its event, which comes back (%s): the message is in Matrix once",
      async (comesBack) => {
        const ada = await world.user("Ada");
        const room = await world.group([ada]);
        const matrixRoom = await world.mirrored(room);
        await world.bridge.stop();
        const { open } = world.door;
        if (!comesBack) world.door.open = async () => Response.json({});
        const sent = { count: 0 };
        const killed = await world.startBridge({ homeserver: killedAfterSend(world.homeserver, sent) });
        await world.say(ada, room, "once");
        await until("it was sent", async () => sent.count > 0);
        const { homeserver } = world;
        await world.startBridge({ homeserver: comesBack ? homeserver : withoutAudit(homeserver) });
        await world.mirrored(room);
        await killed.stop();
        world.door.open = open;
        await world.say(ada, room, "next");
        await world.mirrored(room);
        const name = world.ghosts.localpart(ada.id);
        expect(await world.bot.texts(matrixRoom)).toEqual([`${name}: once`, `${name}: next`]);
        expect(await world.texts(room)).toEqual(["Ada: once", "Ada: next"]);
      },
    );

    test("killed between the send and storing, long ago: the event is looked for before it is sent again", async () => {
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      const matrixRoom = await world.mirrored(room);
      await world.bridge.stop();
      let sent = 0;
      const killed = await world.startBridge({
        homeserver: faulty(world.homeserver, async (_, path, ask, options) => {
          if (!isSend(path)) return await ask();
          // The homeserver knows it under another transaction id, which is to say not any more.
          const [, body] = [options.query, options.body];
          const elsewhere = path.replace(/[^/]+$/, `forgotten-${Date.now()}`);
          await world.homeserver.request("PUT", elsewhere, { ...options, body });
          sent++;
          return await never(options);
        }),
      });
      // Nothing comes back either.
      const open = world.door.open;
      world.door.open = async () => Response.json({});
      await world.say(ada, room, "once");
      await until("it was sent", async () => sent > 0);
      await killed.stop();
      await world.store.sql`update bridge_outbox set planned_at = planned_at - ${25 * 60 * 60_000}::bigint`;
      await world.startBridge();
      await world.mirrored(room);
      world.door.open = open;
      expect(await world.bot.texts(matrixRoom)).toEqual([`${world.ghosts.localpart(ada.id)}: once`]);
      expect(await world.texts(room)).toEqual(["Ada: once"]);
    });

    test("an event that comes back while its answer is lost is taken for what it is, without sending again", async () => {
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      const matrixRoom = await world.mirrored(room);
      await world.bridge.stop();
      let sends = 0;
      const bridge = await world.startBridge({
        homeserver: faulty(world.homeserver, async (_, path, ask) => {
          if (!isSend(path)) return await ask();
          sends++;
          await ask();
          // The echo is here before the room's next turn.
          await until("the echo", async () => bridge.stats().earlyEchoes > 0);
          throw new HomeserverError("the answer was lost", { status: 500 });
        }),
      });
      await world.say(ada, room, "once");
      await world.mirrored(room);
      expect(sends).toBe(1);
      expect(await world.bot.texts(matrixRoom)).toHaveLength(1);
      expect(await world.texts(room)).toEqual(["Ada: once"]);
      await bridge.stop();
      await world.startBridge();
    });

    test("killed between making a room and storing its id: there is one room, and it is whole", async () => {
      const ada = await world.user("Ada");
      await world.bridge.stop();
      let made = "";
      const killed = await world.startBridge({
        homeserver: faulty(world.homeserver, async (_, path, ask, options) => {
          const answer = await ask();
          if (!path.endsWith("/createRoom")) return answer;
          made = (answer as { room_id: string }).room_id;
          return await never(options);
        }),
      });
      const room = await world.group([ada], { name: "Only one" });
      await world.say(ada, room, "hi");
      await until("it was made", async () => made !== "");
      await world.useCases.roomLifecycle.rename(userActor(ada), room.token, "Renamed meanwhile");
      await world.startBridge();
      expect(await world.mirrored(room)).toBe(made);
      await killed.stop();
      expect(await world.bot.state(made, "m.room.name")).toEqual({ name: "Renamed meanwhile" });
      expect(await world.bot.texts(made)).toEqual([`${world.ghosts.localpart(ada.id)}: hi`]);
    });

    test.each([
      ["429", refusal(429, "M_LIMIT_EXCEEDED", 20), "retries"],
      ["500", refusal(500, "M_UNKNOWN"), "retries"],
    ] as const)("%s is tried again, and the order stays", async (_, error, counted) => {
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      const matrixRoom = await world.mirrored(room);
      await world.bridge.stop();
      let times = 2;
      await world.startBridge({
        homeserver: faulty(world.homeserver, async (_, path, ask) => {
          if (isSend(path) && times-- > 0) throw error;
          return await ask();
        }),
      });
      for (let n = 0; n < 3; n++) await world.say(ada, room, `message ${n}`);
      await world.mirrored(room);
      const bodies = (await world.bot.texts(matrixRoom)).map((text) => text.replace(/^.*: /, ""));
      expect(bodies).toEqual(["message 0", "message 1", "message 2"]);
      expect(world.bridge.stats()[counted]).toBeGreaterThanOrEqual(2);
    });

    test("too large is sent shorter; refused for good is said by the bot; what nothing helps is a line and a dead letter", async () => {
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      const matrixRoom = await world.mirrored(room);
      await world.bridge.stop();
      await world.startBridge({
        homeserver: faulty(world.homeserver, async (_, path, ask, { body, asUser }) => {
          const { body: text = "" } = (body ?? {}) as { body?: string };
          if (isSend(path)) {
            if (text.startsWith("large") && text.length > 13_000) throw refusal(413, "M_TOO_LARGE");
            if (text.startsWith("not as me") && asUser !== world.ghosts.bot)
              throw refusal(403, "M_FORBIDDEN");
            if (text.includes("never")) throw refusal(400, "M_BAD_JSON");
          }
          return await ask();
        }),
      });
      await world.say(ada, room, `large ${"x".repeat(15_000)}`);
      await world.say(ada, room, "not as me");
      await world.say(ada, room, "never");
      await world.say(ada, room, "after it");
      await world.mirrored(room);
      const [large, bot, line, after, ...rest] = await world.bot.texts(matrixRoom);
      expect(large).toMatch(/: large x+… \[shortened/);
      expect(bot).toBe(`${world.registration.prefix}bot: Ada: not as me`);
      expect(line).toMatch(/bot: Ada: wrote something that Matrix did not take/);
      expect(after).toBe(`${world.ghosts.localpart(ada.id)}: after it`);
      expect(rest).toEqual([]);
      expect(world.bridge.stats().givenUp).toBe(1);
      const letters = await createBridgeStore(world.store.sql).list({
        room: room.token,
        after: 0,
        limit: 10,
      });
      expect(letters).toMatchObject([{ direction: "to_matrix", kind: "message", errcode: "M_BAD_JSON" }]);
    });

    test("a ghost that was thrown out, or lost its device, speaks again", async () => {
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      await world.say(ada, room, "one");
      const matrixRoom = await world.mirrored(room);
      const key = world.ghosts.ofUser(ada.id);
      const path = `rooms/${encodeURIComponent(matrixRoom)}/kick`;
      await world.bot.ask("POST", path, { user_id: key });
      await world.say(ada, room, "two");
      await world.mirrored(room);
      const device = "/_matrix/client/v3/devices/CAUSEWAY";
      await world.homeserver.request("DELETE", device, { asUser: key, body: {} });
      await world.say(ada, room, "three");
      await world.mirrored(room);
      const bodies = (await world.bot.texts(matrixRoom)).map((text) => text.replace(/^.*: /, ""));
      expect(bodies).toEqual(["one", "two", "three"]);
    });

    test("an event from Matrix that can't be applied is a line and a dead letter after two tries, and the next ones go on", async () => {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const room = await world.group([ada, ben]);
      const matrixRoom = await world.mirrored(room);
      const client = await world.signIn(ada);
      await client.join(matrixRoom);
      await world.bridge.stop();
      const { messages } = world.useCases;
      const send: typeof messages.send = (actor, token, input) =>
        input.text === "poison"
          ? Promise.reject(new TypeError("a defect"))
          : messages.send(actor, token, input);
      await world.startBridge({ useCases: { ...world.useCases, messages: { ...messages, send } } });
      await client.say(matrixRoom, "poison");
      await client.say(matrixRoom, "after it");
      await until(
        "the next one is there",
        async () => (await world.texts(room)).includes("Ada: after it"),
        60_000,
      );
      const line = "Ada: wrote something in Matrix that could not be shown here";
      expect(await world.texts(room)).toEqual([line, "Ada: after it"]);
      const letters = await createBridgeStore(world.store.sql).list({
        room: room.token,
        after: 0,
        limit: 10,
      });
      expect(letters).toMatchObject([
        { direction: "from_matrix", kind: "m.room.message", reason: "a defect" },
      ]);
    });
  },
  { scanMs: 300 },
);
