/** Direct chats that people of Matrix begin with users. */
import { expect, test } from "vitest";
import { type Room, type User, userActor } from "../../../src/domain/model.ts";
import type { MatrixUser } from "../matrix-user.ts";
import { describeBridge, until, type World } from "../world.ts";

const nameOf = ({ id }: MatrixUser) => id.slice(1).split(":")[0] ?? "";

/** What a Matrix client does for a direct chat. @returns the Matrix room */
async function begin(world: World, who: MatrixUser, user: User, more: object = {}): Promise<string> {
  const invite = [world.ghosts.ofUser(user.id)];
  const input = { preset: "trusted_private_chat", is_direct: true, invite, ...more };
  return (await who.ask<{ room_id: string }>("POST", "createRoom", input)).room_id;
}

const membership = async (who: MatrixUser, matrixRoom: string, id: string) =>
  (await who.state<{ membership: string; reason?: string }>(matrixRoom, "m.room.member", id)) ?? {
    membership: "none",
  };

async function listed(world: World, user: User) {
  const { rooms } = await world.useCases.roomEntries.atStart(userActor(user));
  return await Promise.all(rooms.map(async ({ room }) => (await world.store.rooms.byId(room.id)) as Room));
}

async function requestOf(world: World, user: User): Promise<Room> {
  return await until("there is a request", async () =>
    (await listed(world, user)).find(({ request }) => request),
  );
}

/** The reason with which the ghost of the user left. */
async function refusal(world: World, who: MatrixUser, matrixRoom: string, user: User): Promise<string> {
  const left = async () => {
    const state = await membership(who, matrixRoom, world.ghosts.ofUser(user.id));
    return state.membership === "leave" && state;
  };
  return (await until("the ghost has left", left)).reason ?? "";
}

const enter = (world: World, user: User, room: Room) =>
  world.useCases.joining.enter(userActor(user), room.token);

describeBridge(
  "requests from Matrix",
  (world) => {
    test("a direct chat is a request until the user accepts, then both talk in that room", async () => {
      const [ada, mel] = [await world.user("Ada"), await world.stranger()];
      const matrixRoom = await begin(world, mel, ada);
      const first = await mel.say(matrixRoom, "hello, before you accept");
      const room = await requestOf(world, ada);
      expect(room).toMatchObject({
        type: "one_to_one",
        name: nameOf(mel),
        request: true,
        matrixRoomId: null,
      });
      await expect(world.say(ada, room, "too early")).rejects.toMatchObject({ code: "forbidden" });
      expect(await membership(mel, matrixRoom, world.ghosts.ofUser(ada.id))).toMatchObject({
        membership: "invite",
      });

      expect((await enter(world, ada, room)).event).not.toBeNull();
      expect((await enter(world, ada, room)).event, "again").toBeNull();
      await world.say(ada, room, "here I am");
      expect(await world.mirrored(room)).toBe(matrixRoom);
      await world.untilSaid(room, `${nameOf(mel)}: hello, before you accept`);
      const second = await mel.say(matrixRoom, "glad to hear");
      await mel.react(matrixRoom, second, "👍");
      await world.untilSaid(room, `${nameOf(mel)}: glad to hear`);
      expect(await mel.texts(matrixRoom)).toEqual([
        `${nameOf(mel)}: hello, before you accept`,
        `${world.ghosts.localpart(ada.id)}: here I am`,
        `${nameOf(mel)}: glad to hear`,
      ]);
      await mel.redact(matrixRoom, first);
      await until("it is deleted", async () =>
        (await world.texts(room)).includes(`${nameOf(mel)}: (deleted)`),
      );
      expect((await world.texts(room)).toSorted()).toEqual(
        [`${nameOf(mel)}: (deleted)`, `${nameOf(mel)}: glad to hear`, "Ada: here I am"].toSorted(),
      );
      expect(world.bridge.stats()).toMatchObject({ givenUp: 0, putAside: 0, deadLetters: 0 });
    });

    test("who leaves a request refuses it, and the other is told", async () => {
      const [ada, mel] = [await world.user("Ada"), await world.stranger()];
      const matrixRoom = await begin(world, mel, ada);
      const room = await requestOf(world, ada);
      expect(await world.useCases.roomLifecycle.leave(userActor(ada), room.token)).not.toBeNull();
      expect(await refusal(world, mel, matrixRoom, ada)).toBe("The invitation was declined");
      expect(await listed(world, ada)).toEqual([]);
    });

    test("who is blocked asks in vain, now and later, until the block ends", async () => {
      const [ada, mel] = [await world.user("Ada"), await world.stranger()];
      const { matrixRequests } = world.useCases;
      const matrixRoom = await begin(world, mel, ada);
      await requestOf(world, ada);
      expect(await matrixRequests.block(userActor(ada), mel.id)).toBe(true);
      expect(await matrixRequests.block(userActor(ada), mel.id)).toBe(false);
      expect(await refusal(world, mel, matrixRoom, ada)).toBe("The invitation was declined");
      expect(await refusal(world, mel, await begin(world, mel, ada), ada)).toContain(
        "nobody under this name",
      );
      expect(await listed(world, ada)).toEqual([]);
      expect(await matrixRequests.blocked(userActor(ada))).toEqual([mel.id]);
      expect(await matrixRequests.unblock(userActor(ada), mel.id)).toBe(true);
      await begin(world, mel, ada);
      await requestOf(world, ada);
    });

    test("groups, encrypted chats, hidden users, accounts without a person and second requests are refused with words", async () => {
      const organization = await world.useCases.directory.createOrganization({ name: "Closed" });
      const [ada, ben, mel] = [await world.user("Ada"), await world.user("Ben"), await world.stranger()];
      await world.useCases.directory.putOrganizationUser(organization.id, ben.id, "member");
      const say = async (user: User, more?: object) =>
        await refusal(world, mel, await begin(world, mel, user, more), user);
      expect(await say(ada, { is_direct: false })).toContain("direct chat");
      const algorithm = { algorithm: "m.megolm.v1.aes-sha2" };
      const initial_state = [{ type: "m.room.encryption", state_key: "", content: algorithm }];
      expect(await say(ada, { initial_state })).toContain("without encryption");
      expect(await say(ben)).toContain("nobody under this name");
      expect(await say({ ...ada, id: 999_999_999 })).toContain("nobody under this name");
      const { room_id } = await mel.ask<{ room_id: string }>("POST", "createRoom", {
        invite: [world.bot.id],
      });
      await until("the bot has left", async () => {
        return (await membership(mel, room_id, world.bot.id)).membership === "leave";
      });
      expect(await listed(world, ada)).toEqual([]);
      await begin(world, mel, ada);
      await requestOf(world, ada);
      expect(await say(ada)).toContain("asked this person before");
      expect(await listed(world, ada)).toHaveLength(1);
    });

    test("somebody who shares a room with a user of an organization may ask", async () => {
      const organization = await world.useCases.directory.createOrganization({ name: "Open" });
      const { ada, room, matrixRoom, client } = await world.meeting();
      await world.useCases.directory.putOrganizationUser(organization.id, ada.id, "member");
      const mel = await world.stranger();
      await client.ask("POST", `rooms/${encodeURIComponent(matrixRoom)}/invite`, { user_id: mel.id });
      await mel.join(matrixRoom);
      await until(
        "Mel is a member",
        async () => (await world.store.memberships.list([room.id])).length === 3,
      );
      await begin(world, mel, ada);
      await requestOf(world, ada);
    });

    test("two users have their one-to-one room, where one begins another in Matrix", async () => {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const client = await world.signIn(ada);
      const matrixRoom = await begin(world, client, ben);
      expect(await refusal(world, client, matrixRoom, ben)).toContain(
        "another room, to which you are invited",
      );
      const [room] = await listed(world, ben);
      expect(room).toMatchObject({ type: "one_to_one", request: false });
      const native = await world.mirrored(room as Room);
      await client.join(native);
      await client.say(native, "in our room");
      await world.untilSaid(room as Room, "Ada: in our room");
    });

    test("a restart and a second delivery make nothing twice", async () => {
      const [ada, mel] = [await world.user("Ada"), await world.stranger()];
      await world.bridge.stop();
      const delivered: string[] = [];
      const { open } = world.door;
      world.door.open = async (request) => {
        if (request.url.includes("/transactions/")) delivered.push(await request.clone().text());
        return await open(request);
      };
      const matrixRoom = await begin(world, mel, ada);
      await mel.say(matrixRoom, "patient");
      await world.startBridge();
      const room = await requestOf(world, ada);
      await world.bridge.stop();
      await enter(world, ada, room);
      await world.startBridge();
      expect(await world.mirrored(room)).toBe(matrixRoom);
      await world.untilSaid(room, `${nameOf(mel)}: patient`);
      world.door.open = open;
      for (const body of delivered)
        await world.bridge.handle(
          new Request(`${world.registration.url}/_matrix/app/v1/transactions/again-${Math.random()}`, {
            method: "PUT",
            headers: { authorization: `Bearer ${world.registration.hsToken}` },
            body,
          }),
        );
      await mel.say(matrixRoom, "the end");
      await world.untilSaid(room, `${nameOf(mel)}: the end`);
      expect(await world.texts(room)).toEqual([`${nameOf(mel)}: patient`, `${nameOf(mel)}: the end`]);
      expect(await listed(world, ada)).toHaveLength(1);
    });

    test("who leaves on either side is out on the other, and may be asked again", async () => {
      const [ada, mel] = [await world.user("Ada"), await world.stranger()];
      const matrixRoom = await begin(world, mel, ada);
      const room = await requestOf(world, ada);
      await enter(world, ada, room);
      await world.mirrored(room);
      await mel.leave(matrixRoom);
      await until("Mel is out", async () => (await world.store.memberships.list([room.id])).length === 1);
      const next = await begin(world, mel, ada);
      expect((await requestOf(world, ada)).id).toBe(room.id);
      await enter(world, ada, room);
      await world.say(ada, room, "again");
      await until("it is in the new room", async () => (await mel.texts(next)).length === 1);
      expect((await world.bot.rooms()).joined).not.toContain(matrixRoom);
      await world.useCases.roomLifecycle.leave(userActor(ada), room.token);
      await until("Ada's ghost is out", async () => {
        return (await membership(mel, next, world.ghosts.ofUser(ada.id))).membership === "leave";
      });
    });

    test("a chat in which somebody else would read along goes on in a room of the bridge", async () => {
      const [ada, mel, zoe] = [await world.user("Ada"), await world.stranger(), await world.stranger()];
      const invite = [world.ghosts.ofUser(ada.id), zoe.id];
      const matrixRoom = await begin(world, mel, ada, { invite });
      const room = await requestOf(world, ada);
      await enter(world, ada, room);
      expect(await refusal(world, mel, matrixRoom, ada)).toContain("in another room");
      const own = await world.mirrored(room);
      await until("Mel is invited there", async () => (await mel.rooms()).invited.includes(own));
      expect((await zoe.rooms()).invited).toEqual([matrixRoom]);
    });

    test("a chat whose room can't be entered goes on in one of the bridge", async () => {
      const [ada, mel] = [await world.user("Ada"), await world.stranger()];
      const matrixRoom = await begin(world, mel, ada, { preset: "private_chat" });
      const room = await requestOf(world, ada);
      const path = `rooms/${encodeURIComponent(matrixRoom)}`;
      await mel.ask("POST", `${path}/kick`, { user_id: world.ghosts.ofUser(ada.id) });
      await enter(world, ada, room);
      await world.say(ada, room, "where are you?");
      const own = await world.mirrored(room);
      expect(own).not.toBe(matrixRoom);
      await until("Mel is invited there", async () => (await mel.rooms()).invited.includes(own));
      await mel.join(own);
      await mel.say(own, "here");
      await world.untilSaid(room, `${nameOf(mel)}: here`);
    });
  },
  { scanMs: 300, reconcileMs: 1_000 },
);

describeBridge(
  "a server that takes no requests",
  (world) => {
    test("refuses them all, with words", async () => {
      const [ada, mel] = [await world.user("Ada"), await world.stranger()];
      expect(await refusal(world, mel, await begin(world, mel, ada), ada)).toContain("takes no invitations");
      expect(await listed(world, ada)).toEqual([]);
    });
  },
  { requests: false },
);
