/** People who come and go in Matrix do so in the chat. */
import { expect, test } from "vitest";
import { type Actor, type EventData, SYSTEM_ACTOR, userActor } from "../../../src/domain/model.ts";
import { channels } from "../../../src/domain/ports/bus.ts";
import { describeBridge, until } from "../world.ts";

describeBridge(
  "members from Matrix to the chat",
  (world) => {
    test("leaving in Matrix is leaving the chatroom, and a removal there is one here", async () => {
      const here = await world.meeting();
      const { ada, ben, room, matrixRoom, client } = here;
      const members = async () => (await world.store.memberships.list([room.id])).map(({ userId }) => userId);
      await client.ask("POST", `rooms/${encodeURIComponent(matrixRoom)}/kick`, {
        user_id: world.ghosts.ofUser(ben.id),
      });
      await until("Ben is out", async () => !(await members()).includes(ben.id));
      await world.useCases.roomLifecycle.addMembers(userActor(ada), room.token, [
        { member: userActor(ben), role: "moderator" },
      ]);
      await world.mirrored(room);
      await client.leave(matrixRoom);
      await until("Ada is out", async () => !(await members()).includes(ada.id));
      expect(await members()).toEqual([ben.id]);
      const left = (await world.events(room)).filter(({ type }) => type === "member.left");
      expect(
        left.map(({ actor, dataJson }) => [
          actor.name,
          (JSON.parse(dataJson) as EventData["member.left"]).member.name,
        ]),
      ).toEqual([
        ["Ada", "Ben"],
        ["Ada", "Ada"],
      ]);
    });

    test("who is taken out in Matrix types, looks and calls no more, and those who look hear it once", async () => {
      const { ada, ben, room, matrixRoom, client } = await world.meeting();
      const { calls, presence } = world.useCases;
      const [by, bens] = [userActor(ada), userActor(ben)];
      await presence.ping(bens, [room], "phone");
      await presence.typing(bens, room.token, true, "phone");
      await calls.join(bens, room.token, "phone", 3);
      const heard: Record<string, unknown>[] = [];
      const isMark = ({ actor }: Record<string, unknown>) => (actor as Actor | undefined)?.id === by.id;
      const listen = (bytes: Uint8Array) => {
        // Events of the log come several a message.
        const [first = ""] = Buffer.from(bytes).toString().split("\n");
        const frame = JSON.parse(first) as Record<string, unknown>;
        if (/^(typing|presence|call)$/.test(String(frame.op))) heard.push(frame);
      };
      await world.bus.subscribe(channels.room(room.id), listen);
      await client.ask("POST", `rooms/${encodeURIComponent(matrixRoom)}/kick`, {
        user_id: world.ghosts.ofUser(ben.id),
      });
      await until("all is told", async () => heard.length >= 3);
      await presence.typing(by, room.token, true, "laptop");
      await until("the mark", async () => heard.some(isMark));
      expect(heard.filter((frame) => !isMark(frame))).toEqual([
        { op: "typing", room: room.token, actor: bens, on: false },
        { op: "presence", room: room.token, actor: bens, lastPing: expect.any(Number), gone: true },
        { op: "call", room: room.token, flags: 0, participants: [] },
      ]);
    });

    test("a user who is invited in Matrix becomes a member; one whom nobody may bring in is out again", async () => {
      const organization = await world.useCases.directory.createOrganization({ name: "Rescue" });
      const here = await world.meeting();
      const [cat, dan] = [await world.user("Cat"), await world.user("Dan")];
      for (const user of [here.ada, cat]) {
        await world.useCases.directory.putOrganizationUser(organization.id, user.id, "member");
      }
      const invite = (id: number) =>
        here.client.ask("POST", `rooms/${encodeURIComponent(here.matrixRoom)}/invite`, {
          user_id: world.ghosts.ofUser(id),
        });
      for (const user of [cat, dan]) await world.signIn(user);
      await invite(cat.id);
      await until("Cat is in", async () => {
        const members = await world.store.memberships.list([here.room.id]);
        return members.some(({ userId, role }) => userId === cat.id && role === "user");
      });
      // Dan shares no organization and no room with Ada: for her he does not exist.
      await invite(dan.id);
      await until("Dan's invitation is withdrawn", async () => {
        const state = await world.bot.state<{ membership: string }>(
          here.matrixRoom,
          "m.room.member",
          world.ghosts.ofUser(dan.id),
        );
        return state?.membership === "leave";
      });
    });

    test("a stranger whom a moderator invites is a member from joining to leaving", async () => {
      const here = await world.meeting();
      const mel = await world.stranger();
      await here.client.ask("POST", `rooms/${encodeURIComponent(here.matrixRoom)}/invite`, {
        user_id: mel.id,
      });
      await mel.join(here.matrixRoom);
      await mel.say(here.matrixRoom, "hello from elsewhere");
      const name = mel.id.slice(1).split(":")[0];
      await world.untilSaid(here.room, `${name}: hello from elsewhere`);
      const member = async () =>
        (await world.store.memberships.list([here.room.id])).find(({ member }) => member === `m:${mel.id}`);
      expect(await member()).toMatchObject({ role: "user", name });
      await world.say(here.ben, here.room, "welcome");
      await world.mirrored(here.room);
      expect((await mel.texts(here.matrixRoom)).at(-1)).toBe(
        `${world.ghosts.localpart(here.ben.id)}: welcome`,
      );
      await mel.leave(here.matrixRoom);
      await until("Mel is no member", async () => (await member()) === undefined);
    });

    test("a stranger who is removed in the chat is removed in Matrix", async () => {
      const here = await world.meeting();
      const mel = await world.stranger();
      const person = { kind: "matrix" as const, id: mel.id, name: "Mel" };
      await world.useCases.roomLifecycle.addMembers(SYSTEM_ACTOR, here.room.token, [
        { member: person, role: "user" },
      ]);
      await world.mirrored(here.room);
      expect((await mel.rooms()).invited).toEqual([here.matrixRoom]);
      await mel.join(here.matrixRoom);
      await world.useCases.roomLifecycle.removeMember(userActor(here.ada), here.room.token, person);
      await world.mirrored(here.room);
      expect((await mel.rooms()).joined).toEqual([]);
    });
  },
  { scanMs: 300 },
);
