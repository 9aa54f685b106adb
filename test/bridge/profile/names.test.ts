/** Names and pictures of people: the chat decides for its users, Matrix for everybody else. */
import { expect, test } from "vitest";
import { type User, userActor } from "../../../src/domain/model.ts";
import type { MatrixUser } from "../matrix-user.ts";
import { png } from "../pictures.ts";
import { describeBridge, until } from "../world.ts";

interface Profile {
  displayname?: string;
  avatar_url?: string;
}

describeBridge(
  "How people are called and look",
  (world) => {
    const profileOf = (user: User) =>
      world.bot.ask<Profile>("GET", `profile/${encodeURIComponent(world.ghosts.ofUser(user.id))}`);
    const memberOf = (matrixRoom: string, matrixId: string) =>
      world.bot.state<Profile>(matrixRoom, "m.room.member", matrixId);
    const picture = async (user: User) => {
      const content = new Blob([png(8, 8)]).stream();
      const input = { filename: "me.png", content };
      return (await world.useCases.attachments.upload(userActor(user), input)).id;
    };
    const settled = async (user: User) =>
      until("the account is as the user", async () => {
        const rows = await world.store.sql`
          select from bridge_ghosts where member = ${`u:${user.id}`} and not changed`;
        return rows.length > 0;
      });
    const setProfile = (who: MatrixUser, field: string, value: string) =>
      who.ask("PUT", `profile/${encodeURIComponent(who.id)}/${field}`, { [field]: value });

    test("a user's new name and picture are those of the account in Matrix at once; each picture is uploaded once", async () => {
      const { ben, room, matrixRoom } = await world.meeting();
      await world.say(ben, room, "Here");
      await world.mirrored(room);
      await world.useCases.ownProfile.change(userActor(ben), {
        name: "Benjamin",
        avatar: await picture(ben),
      });
      const { avatar_url: mxc = "" } = await until("the name and picture are there", async () => {
        const now = await profileOf(ben);
        return now.displayname === "Benjamin" && now.avatar_url ? now : null;
      });
      expect((await world.bot.media(mxc)).type).toBe("image/png");
      await until("the room shows it", async () => {
        const now = await memberOf(matrixRoom, world.ghosts.ofUser(ben.id));
        return now?.displayname === "Benjamin" && now.avatar_url === mxc;
      });
      await settled(ben);
      await world.useCases.ownProfile.change(userActor(ben), { name: "Benny" });
      await until("the name is there", async () => (await profileOf(ben)).displayname === "Benny");
      expect((await profileOf(ben)).avatar_url, "not uploaded again").toBe(mxc);
      await settled(ben);
      await world.useCases.ownProfile.change(userActor(ben), { avatar: null });
      await until("the picture is gone", async () => ((await profileOf(ben)).avatar_url ?? "") === "");
    });

    test("a direct chat shows the other's picture, also one from before the account was made", async () => {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      await world.useCases.ownProfile.change(userActor(ben), { avatar: await picture(ben) });
      const room = await world.group([ada, ben], { type: "one_to_one", name: "" });
      const matrixRoom = await world.mirrored(room);
      const client = await world.signIn(ada);
      await client.join(matrixRoom);
      const { avatar_url: mxc } = await until("the picture is there", async () => {
        const now = await client.state<Profile>(matrixRoom, "m.room.member", world.ghosts.ofUser(ben.id));
        return now?.avatar_url ? now : null;
      });
      expect(mxc).toMatch(/^mxc:/);
      expect(await client.state(matrixRoom, "m.room.avatar")).toBeNull();
    });

    test("a user who takes another name or picture in Matrix has the chat's again, and nothing goes round", async () => {
      const { ada, room, matrixRoom, client } = await world.meeting();
      await world.useCases.ownProfile.change(userActor(ada), { name: "Ada L." });
      await until("the name is there", async () => (await profileOf(ada)).displayname === "Ada L.");
      await settled(ada);
      await setProfile(client, "displayname", "Somebody else");
      await until("the name is put back", async () => (await profileOf(ada)).displayname === "Ada L.");
      await settled(ada);
      const mxc = await client.upload(new Blob([png(8, 8)], { type: "image/png" }), "me.png");
      await setProfile(client, "avatar_url", mxc);
      await until("there is no picture", async () => ((await profileOf(ada)).avatar_url ?? "") === "");
      await settled(ada);
      const count = async () =>
        (await world.bot.timeline(matrixRoom)).filter(({ type }) => type === "m.room.member").length;
      await until("the room shows no picture", async () => {
        const now = await memberOf(matrixRoom, client.id);
        return now?.displayname === "Ada L." && !now.avatar_url;
      });
      const before = await count();
      await client.say(matrixRoom, "and on");
      await world.untilSaid(room, "Ada L.: and on");
      await settled(ada);
      expect(await count()).toBe(before);
      expect((await world.store.users.byId(ada.id))?.displayName).toBe("Ada L.");
    });

    test("the new name of a person of Matrix is theirs among the members, without a message", async () => {
      const { ada, room, matrixRoom } = await world.meeting();
      const mel = await world.stranger();
      await world.bot.ask("POST", `rooms/${encodeURIComponent(matrixRoom)}/invite`, { user_id: mel.id });
      await mel.join(matrixRoom);
      const nameOf = async () =>
        (await world.store.memberships.list([room.id])).find(({ member }) => member === `m:${mel.id}`)?.name;
      await until("Mel is a member", async () => (await nameOf()) !== undefined);
      await setProfile(mel, "displayname", "Mel of Elsewhere");
      await until("the members' list has it", async () => (await nameOf()) === "Mel of Elsewhere");
      await setProfile(mel, "displayname", "\u0000 ");
      await until("what is no name is none", async () => (await nameOf()) === mel.id);
      const people = await world.useCases.roster.list(userActor(ada), room.token);
      expect(people.map(({ membership }) => membership.name)).toContain(mel.id);
    });

    test("who was renamed while the bridge was away has the name when it is back", async () => {
      const { ada } = await world.meeting();
      await world.bridge.stop();
      await world.useCases.ownProfile.change(userActor(ada), { name: "Ada of Later" });
      await world.startBridge();
      await until("the name is there", async () => (await profileOf(ada)).displayname === "Ada of Later");
    });
  },
  // Nothing here may wait for a scan.
  { scanMs: 3_600_000 },
);
