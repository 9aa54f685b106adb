/** One-to-one rooms are direct chats in Matrix. */
import { expect, test } from "vitest";
import { createBridgeStore } from "../../../bridge/store/bridge-store.ts";
import type { Room, User } from "../../../src/domain/model.ts";
import type { MatrixUser, TimelineEvent } from "../matrix-user.ts";
import { describeBridge, until } from "../world.ts";

type Direct = Record<string, string[]>;

describeBridge("direct chats", (world) => {
  const activate = (user: User) => createBridgeStore(world.store.sql).markMatrixAccount(user.id);
  const pair = (one: User, other: User) => world.group([one, other], { type: "one_to_one", name: "" });
  const directPath = (client: MatrixUser) => `user/${encodeURIComponent(client.id)}/account_data/m.direct`;
  const direct = (client: MatrixUser) =>
    client.ask<Direct>("GET", directPath(client)).catch((error: Error) => {
      if (error.message.includes("M_NOT_FOUND")) return {} as Direct;
      throw error;
    });

  test("have no name and no alias, invite as such, and say that the bot is nobody", async () => {
    const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
    const room = await pair(ada, ben);
    const matrixRoom = await world.mirrored(room);
    const { bot, ghosts } = world;
    expect((await bot.state<{ name?: string }>(matrixRoom, "m.room.name"))?.name).toBeUndefined();
    expect(
      (await bot.state<{ alias?: string }>(matrixRoom, "m.room.canonical_alias"))?.alias,
    ).toBeUndefined();
    expect(await bot.state(matrixRoom, "io.element.functional_members")).toEqual({
      service_members: [bot.id],
    });
    const invited = (await bot.timeline(matrixRoom)).filter(
      ({ type, content }) => type === "m.room.member" && content.membership === "invite",
    );
    const ids = [ada, ben].map(({ id }) => ghosts.ofUser(id)).sort();
    expect(invited.map(({ state_key }) => state_key).sort()).toEqual(ids);
    expect(invited.map(({ content }) => content.is_direct)).toEqual([true, true]);
  });

  test("are in the list of everybody who signed in, beside what they listed themselves, under the other's name", async () => {
    const [ada, ben, cat] = [await world.user("Ada"), await world.user("Ben"), await world.user("Cat")];
    const before = await pair(ada, ben);
    const beforeRoom = await world.mirrored(before);
    const client = await world.signIn(ada);
    await client.ask("PUT", directPath(client), { "@mel:elsewhere": ["!own:elsewhere"] });
    await activate(ada);
    const [bens, cats] = [ben, cat].map(({ id }) => world.ghosts.ofUser(id)) as [string, string];
    await until("the chat from before is listed", async () => (await direct(client))[bens]);
    const after = await world.mirrored(await pair(cat, ada));
    await until("the new chat is listed", async () => (await direct(client))[cats]);
    expect(await direct(client)).toEqual({
      "@mel:elsewhere": ["!own:elsewhere"],
      [bens]: [beforeRoom],
      [cats]: [after],
    });
    expect(await shownName(client, beforeRoom)).toBe("Ben");
    expect(await shownName(client, after)).toBe("Cat");
    // Nobody signed in as Ben.
    expect(await direct(await world.signIn(ben))).toEqual({});
  });

  test("of before, with a name and an alias, lose them when somebody signs in", async () => {
    const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
    const room = await pair(ada, ben);
    const matrixRoom = await world.mirrored(room);
    const state = (type: string) => `rooms/${encodeURIComponent(matrixRoom)}/state/${type}`;
    await world.bot.ask("PUT", state("m.room.name"), { name: "Ada, Ben" });
    await world.bot.ask("PUT", state("m.room.canonical_alias"), { alias: aliasOf(room) });
    await world.bot.ask("PUT", state("io.element.functional_members"), {});
    await activate(ada);
    await until("it is a direct chat", async () => {
      const functional = await world.bot.state<object>(matrixRoom, "io.element.functional_members");
      const alias = await world.bot.state<object>(matrixRoom, "m.room.canonical_alias");
      const name = await world.bot.state<{ name?: string }>(matrixRoom, "m.room.name");
      return (
        Object.keys(functional ?? {}).length === 1 &&
        Object.keys(alias ?? {}).length === 0 &&
        name?.name === ""
      );
    });
  });

  const aliasOf = ({ token }: Room) =>
    `#${world.registration.prefix}room_${token}:${world.homeserver.serverName}`;

  /** The room's name as Element makes it: its own, its alias, else the other members without those who are nobody. */
  async function shownName(client: MatrixUser, matrixRoom: string): Promise<string> {
    const state = await client.ask<TimelineEvent[]>("GET", `rooms/${encodeURIComponent(matrixRoom)}/state`);
    const content = (type: string) => state.find((event) => event.type === type)?.content ?? {};
    const nobody = content("io.element.functional_members").service_members as string[];
    const others = state.filter(
      ({ type, state_key = "", content: { membership } }) =>
        type === "m.room.member" &&
        ["join", "invite"].includes(membership ?? "") &&
        state_key !== client.id &&
        !nobody.includes(state_key),
    );
    const { name } = content("m.room.name");
    const { alias } = content("m.room.canonical_alias");
    return String(name || alias || others.map(({ content: { displayname } }) => displayname).join(", "));
  }
});
