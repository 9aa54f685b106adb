/** The pinned message of a room, from the chat to Matrix and back. */
import { expect, test } from "vitest";
import { type Room, userActor } from "../../../src/domain/model.ts";
import type { MatrixUser } from "../matrix-user.ts";
import { untilQuiet } from "../quiet.ts";
import { describeBridge, until, type World } from "../world.ts";

const TYPE = "m.room.pinned_events";

describeBridge(
  "The pinned message",
  (world) => {
    const pinnedIn = async (matrixRoom: string) =>
      (await world.bot.state<{ pinned: string[] }>(matrixRoom, TYPE))?.pinned ?? [];
    const pin = (who: MatrixUser, matrixRoom: string, pinned: string[]) =>
      who.ask("PUT", `rooms/${encodeURIComponent(matrixRoom)}/state/${TYPE}/`, { pinned });
    const pinnedHere = async ({ id }: Pick<Room, "id">) =>
      (await world.store.messages.pinned([id]))[0]?.seq ?? null;
    const eventOf = async (matrixRoom: string, body: string) =>
      (await world.bot.timeline(matrixRoom)).find(({ content }) => content.body === body)?.event_id ?? "";
    const changes = async (matrixRoom: string) =>
      (await world.bot.timeline(matrixRoom)).filter(({ type }) => type === TYPE).length;

    test("is the chat's in Matrix, and goes with the pin and with the message", async () => {
      const { ada, ben, room, matrixRoom } = await world.meeting();
      const { pins, messages } = world.useCases;
      const [one, two] = [await world.say(ben, room, "one"), await world.say(ben, room, "two")];
      await pins.pin(userActor(ada), room.token, one);
      await world.mirrored(room);
      await untilPinned(world, matrixRoom, [await eventOf(matrixRoom, "one")]);
      await pins.pin(userActor(ada), room.token, two);
      await untilPinned(world, matrixRoom, [await eventOf(matrixRoom, "two")]);
      await messages.remove(userActor(ada), room.token, two);
      await untilPinned(world, matrixRoom, []);
      await pins.pin(userActor(ada), room.token, one);
      await untilPinned(world, matrixRoom, [await eventOf(matrixRoom, "one")]);
      await pins.unpin(userActor(ada), room.token);
      await untilPinned(world, matrixRoom, []);
    });

    test("is Matrix' in the chat: the newest of several, and none when it is taken away; nothing goes round", async () => {
      const { ada, ben, room, matrixRoom, client } = await world.meeting();
      const one = await world.say(ben, room, "one");
      await world.mirrored(room);
      const first = await eventOf(matrixRoom, "one");
      await pin(client, matrixRoom, [first]);
      await until("the chat has it", async () => (await pinnedHere(room)) === one);
      const event = (await world.events(room)).at(-1);
      expect(event).toMatchObject({ type: "message.pinned", actor: userActor(ada) });
      await untilQuiet(world, room);
      expect(await changes(matrixRoom)).toBe(1);
      const second = await client.say(matrixRoom, "two");
      await pin(client, matrixRoom, [first, second]);
      await until("the chat has the newer", async () => ![null, one].includes(await pinnedHere(room)));
      await untilPinned(world, matrixRoom, [second]);
      await untilQuiet(world, room);
      expect(await changes(matrixRoom), "Ada's two, and the bot's that leaves one").toBe(3);
      await pin(client, matrixRoom, []);
      await until("the chat has none", async () => (await pinnedHere(room)) === null);
      await untilQuiet(world, room);
      expect(await changes(matrixRoom)).toBe(4);
      const pins = (await world.events(room)).filter(({ type }) => type.startsWith("message.pin"));
      expect(pins).toHaveLength(2);
    });

    test("is put back when it is no message of the room, or of somebody who may not; members are refused at once", async () => {
      const { ada, ben, room, matrixRoom, client } = await world.meeting();
      const one = await world.say(ben, room, "one");
      await world.useCases.pins.pin(userActor(ada), room.token, one);
      await world.mirrored(room);
      const first = await eventOf(matrixRoom, "one");
      await untilPinned(world, matrixRoom, [first]);
      const named = (await world.bot.timeline(matrixRoom)).find(({ type }) => type === "m.room.name");
      await pin(client, matrixRoom, [named?.event_id ?? ""]);
      await untilPinned(world, matrixRoom, [first]);
      const member = await world.signIn(ben);
      await member.join(matrixRoom);
      await expect(pin(member, matrixRoom, [])).rejects.toThrow("M_FORBIDDEN");
      // Under the homeserver's nose: the power levels there do not say so.
      await world.store.sql`update memberships set role = 'user' where conversation_id = ${room.id}`;
      await world.store
        .sql`update room_heads set access_version = access_version + 1 where conversation_id = ${room.id}`;
      await pin(client, matrixRoom, []);
      await untilPinned(world, matrixRoom, [first]);
      expect(await pinnedHere(room)).toBe(one);
    });

    test("in a one-to-one room both pin", async () => {
      const { ben, room, matrixRoom } = await world.meeting({ type: "one_to_one", name: "" });
      const other = await world.signIn(ben);
      await other.join(matrixRoom);
      await pin(other, matrixRoom, [await other.say(matrixRoom, "mine")]);
      await until("the chat has it", async () => (await pinnedHere(room)) !== null);
    });

    test("of pins of both sides while the bridge is away one is left, on both; what was taken away is what was shown", async () => {
      const { ada, ben, room, matrixRoom, client } = await world.meeting();
      const { pins } = world.useCases;
      const [one, two] = [await world.say(ben, room, "one"), await world.say(ben, room, "two")];
      await pins.pin(userActor(ada), room.token, one);
      await world.mirrored(room);
      const [first, second] = [await eventOf(matrixRoom, "one"), await eventOf(matrixRoom, "two")];
      await untilPinned(world, matrixRoom, [first]);
      await world.bridge.stop();
      await pin(client, matrixRoom, []);
      await pins.pin(userActor(ada), room.token, two);
      await world.startBridge();
      await untilPinned(world, matrixRoom, [second]);
      expect(await pinnedHere(room)).toBe(two);
      await world.bridge.stop();
      await pin(client, matrixRoom, [second, first]);
      await pins.unpin(userActor(ada), room.token);
      await world.startBridge();
      await until("both have the same", async () => {
        const [here, there] = [await pinnedHere(room), await pinnedIn(matrixRoom)];
        return here === one ? there.join() === first : here === null && there.length === 0;
      });
    });

    test("is pinned again in a room that is made again, and where somebody without the right took it away", async () => {
      const { ada, ben, room, matrixRoom } = await world.meeting();
      const one = await world.say(ben, room, "one");
      await world.useCases.pins.pin(userActor(ada), room.token, one);
      await world.mirrored(room);
      const first = await eventOf(matrixRoom, "one");
      await untilPinned(world, matrixRoom, [first]);
      const pinning = (await world.bot.timeline(matrixRoom)).find(({ type }) => type === TYPE);
      const moderator = await world.signIn(ada);
      await moderator.redact(matrixRoom, pinning?.event_id ?? "");
      await untilPinned(world, matrixRoom, [first]);
      // The bot out of the room is what a deleted one looks like.
      await world.bot.leave(matrixRoom);
      await world.say(ben, room, "two");
      const made = await until("it is made again", async () => {
        const now = await world.mirrored(room);
        return now !== matrixRoom && now;
      });
      await untilPinned(world, made, [await eventOf(made, "one")]);
    });
  },
  { scanMs: 300 },
);

async function untilPinned({ bot }: World, matrixRoom: string, wanted: string[]): Promise<void> {
  expect(wanted).not.toContain("");
  await until(`pinned is [${wanted}]`, async () => {
    const pinned = (await bot.state<{ pinned: string[] }>(matrixRoom, TYPE))?.pinned ?? [];
    return pinned.join() === wanted.join();
  });
}
