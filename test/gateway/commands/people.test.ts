/** PROTOCOL.md, section 17: profiles, finding people, and blocking. */
import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { type Node, type Person, person, room, site } from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const DUPLICATE = { op: "ok", duplicate: true };

describeWith("postgres", "oneself and others", ({ postgres }) => {
  const here = site(() => postgres.url);
  let node: Node;
  let refs = 0;
  beforeAll(async () => {
    node = await here.node();
  });

  /** Colleagues, of an organization of their own. */
  async function colleagues<const Names extends readonly string[]>(...names: Names) {
    const { directory } = node.useCases;
    const organization = await directory.createOrganization({ name: randomUUID() });
    const people: Person[] = [];
    for (const name of names) {
      const one = await person(node, name);
      await directory.putOrganizationUser(organization.id, one.id, "member");
      people.push(one);
    }
    return people as { [N in keyof Names]: Person };
  }

  async function enter({ token }: Person): Promise<{ client: RawClient; ready: Frame }> {
    const client = await here.raw(node);
    return { client, ready: await client.hello(token) };
  }
  const connect = async (one: Person) => (await enter(one)).client;

  const ask = (client: RawClient, op: string, more: object = {}) =>
    client.ask({ op, ref: `${op} ${refs++}`, ...more });

  async function upload({ actor }: Person, bytes: Uint8Array): Promise<string> {
    const content = new Blob([Uint8Array.from(bytes)]).stream();
    return (await node.useCases.attachments.upload(actor, { filename: "me.png", content })).id;
  }
  const userOf = (frame: Frame) => frame.user as Record<string, unknown>;
  const usersOf = (frame: Frame) => frame.users as Record<string, unknown>[];

  test("[GW-17.1] a profile changes for one's sessions and people of shared rooms, and is whole in ready", async () => {
    const [ada, bob, cy] = await colleagues("Ada", "Bob", "Cy");
    await room(node, [ada, bob]);
    const [phone, desk, other, stranger] = await Promise.all([ada, ada, bob, cy].map(connect));
    const change = { name: "Ada L.", status: "At sea", avatar: await upload(ada, PNG) };
    const answer = await ask(phone as RawClient, "profile", { ...change, privacy: { lastSeen: "nobody" } });
    const mine = userOf(answer);
    expect(mine).toMatchObject({
      ...{ id: String(ada.id), name: "Ada L.", status: "At sea" },
      avatar: expect.stringContaining(`${node.url}/api/v1/chat/avatars/`),
      privacy: { receipts: "everybody", lastSeen: "nobody" },
    });
    const own = await desk?.next((frame) => frame.op === "user" && userOf(frame).privacy !== undefined);
    expect(own?.user).toEqual(mine);
    const { privacy: _, ...shown } = mine;
    expect((await other?.next(({ op }) => op === "user"))?.user).toEqual(shown);
    expect((await enter(ada)).ready).toMatchObject({ user: mine, blocked: [] });
    await ask(stranger as RawClient, "ping");
    expect(stranger?.seen.filter(({ op }) => op === "user")).toEqual([]);
  });

  test("[GW-17.1] the same profile again is a duplicate, and null takes the picture away", async () => {
    const [ada] = await colleagues("Ada");
    const client = await connect(ada);
    const avatar = await upload(ada, PNG);
    const first = await ask(client, "profile", { avatar });
    expect(await ask(client, "profile", { avatar })).toMatchObject({ ...DUPLICATE, user: first.user });
    const id = String(userOf(first).avatar).slice(-64);
    expect(await node.useCases.chatrooms.picture(id)).toMatchObject({ mime: "image/png" });
    expect(userOf(await ask(client, "profile", { avatar: null }))).not.toHaveProperty("avatar");
    expect(await ask(client, "profile", { avatar: null })).toMatchObject(DUPLICATE);
    expect(await node.useCases.chatrooms.picture(id)).toBeNull();
  });

  test.each([
    [{ name: " " }, "name"],
    [{ name: "a".repeat(201) }, "name"],
    [{ status: "s".repeat(141) }, "status"],
    [{ avatar: "nothing" }, "avatar"],
    [{ privacy: { lastSeen: "friends" } }, "privacy.lastSeen"],
    [{ privacy: { read: "nobody" } }, "privacy.read"],
  ])("[GW-17.1] %j is refused on %s", async (change, field) => {
    const [ada] = await colleagues("Ada");
    const client = await connect(ada);
    expect(await ask(client, "profile", change)).toMatchObject({ code: "bad_request", field });
    expect(await ask(client, "profile")).toMatchObject(DUPLICATE);
  });

  test("[GW-17.1] a picture is one's own unsent file, and an image", async () => {
    const [ada, bob] = await colleagues("Ada", "Bob");
    const client = await connect(ada);
    for (const avatar of [await upload(bob, PNG), await upload(ada, Buffer.from("words"))]) {
      expect(await ask(client, "profile", { avatar })).toMatchObject({
        code: "bad_request",
        field: "avatar",
      });
    }
  });

  test("[GW-17.2] users are found by their four names and by a part of a name, strangers are not", async () => {
    const [ada, bob] = await colleagues("Ada", "Bob Bobson");
    const [stranger] = await colleagues("Bob Stranger");
    const client = await connect(ada);
    const ids = [bob, stranger].flatMap(({ id, uuid }) => [String(id), uuid]);
    const users = usersOf(await ask(client, "users", { ids }));
    expect(users).toMatchObject([{ id: String(bob.id), uuid: bob.uuid, name: "Bob Bobson" }]);
    const { publicId, handle } = users[0] as { publicId: string; handle: string };
    for (const name of [publicId, handle, handle.toUpperCase()]) {
      expect(usersOf(await ask(client, "users", { ids: [name] }))).toEqual(users);
    }
    expect(usersOf(await ask(client, "users", { query: "bobs" }))).toEqual(users);
    expect(usersOf(await ask(client, "users", { query: "stranger" }))).toEqual([]);
    expect(await ask(client, "users")).toMatchObject({ code: "bad_request", field: "query" });
    expect(await ask(client, "users", { query: "q", ids: [] })).toMatchObject({ field: "query" });
    expect(await ask(client, "users", { query: "q".repeat(201) })).toMatchObject({ field: "query" });
    expect(await ask(client, "users", { query: "%", limit: 101 })).toMatchObject({ field: "limit" });
    expect(await ask(client, "users", { ids: Array(101).fill("1") })).toMatchObject({ field: "ids" });
  });

  test("[GW-17.3] when somebody was last seen is told to those whom they tell", async () => {
    const [ada, bob] = await colleagues("Ada", "Bob");
    const { token } = await room(node, [ada, bob]);
    const [hers, his] = [await connect(ada), await connect(bob)];
    await ask(his, "send", { room: token, id: randomUUID(), text: "Hello" });
    await ask(his, "open", { room: token });
    const seen = async () => usersOf(await ask(hers, "users", { ids: [String(bob.id)] }))[0]?.lastSeen;
    expect(await seen()).toBeGreaterThan(0);
    await ask(his, "profile", { privacy: { lastSeen: "contacts" } });
    expect(await seen()).toBeUndefined();
    const { handle } = userOf(await ask(hers, "profile"));
    await node.useCases.contacts.add(bob.actor, { name: String(handle) });
    expect(await seen()).toBeGreaterThan(0);
    await ask(his, "profile", { privacy: { lastSeen: "nobody" } });
    expect(await seen()).toBeUndefined();
    const listed = await ask(hers, "members", { room: token });
    const shown = (listed.members as { user: Frame }[]).find(({ user }) => user.id === String(bob.id));
    expect(shown).not.toHaveProperty("lastPing");
    const [card] = (await node.useCases.contacts.cards(ada.actor, [bob.id])).values();
    expect(card?.lastActiveAt).toBeNull();
  });

  test("[GW-17.3] [GW-8.4] that somebody looks at a room is shown, and when it was only where they tell everybody", async () => {
    const [ada, bob, cy, dan] = await colleagues("Ada", "Bob", "Cy", "Dan");
    const { token } = await room(node, [ada, bob, cy, dan]);
    const hers = await connect(ada);
    await ask(hers, "open", { room: token });
    const shown = async (id: number, gone?: true) => {
      const frame = await hers.next(
        (one) =>
          one.op === "presence" && (one.actor as { id: string }).id === String(id) && one.gone === gone,
      );
      return frame.lastPing;
    };
    for (const [person, lastSeen] of [
      [bob, "nobody"],
      [cy, "contacts"],
    ] as const) {
      const client = await connect(person);
      await ask(client, "profile", { privacy: { lastSeen } });
      await ask(client, "open", { room: token });
      expect(await shown(person.id)).toBe(0);
      // However they go: they close it, are lost, or are taken out of it.
      await ask(client, "close", { room: token });
      expect(await shown(person.id, true)).toBe(0);
      await ask(client, "open", { room: token });
      await node.useCases.roomLifecycle.removeMember(ada.actor, token, person.actor);
      expect(await shown(person.id, true)).toBe(0);
    }
    const his = await connect(dan);
    await ask(his, "open", { room: token });
    expect(await shown(dan.id)).toBeGreaterThan(0);
  });

  test("[GW-17.3] how far somebody has read is told to those whom they tell, and to nobody else", async () => {
    const [ada, bob, cy] = await colleagues("Ada", "Bob", "Cy");
    const { token } = await room(node, [ada, bob, cy]);
    const [hers, his, theirs] = [await connect(ada), await connect(bob), await connect(cy)];
    const actor = expect.objectContaining({ id: String(bob.id) });
    const opens = async (client: RawClient) => (await ask(client, "open", { room: token })).reads as object[];
    for (const client of [hers, theirs]) await opens(client);
    /** Ada writes and Bob reads; what Ada and Cy hear of it. */
    const reads = async () => {
      const { seq } = await ask(hers, "send", { room: token, id: randomUUID(), text: "Hello" });
      await ask(his, "read", { room: token, seq });
      const { read, counts } = await ask(hers, "receipts", { room: token, seq });
      // What was told before has come when this has.
      await ask(his, "typing", { room: token, on: true });
      await ask(his, "typing", { room: token, on: false });
      const heard = async (client: RawClient) => {
        const from = client.seen.length;
        await client.next(({ op, on }) => op === "typing" && on === false);
        return { from, told: client.seen.some((each) => each.op === "receipt" && each.read === seq) };
      };
      const [ada, cy] = [await heard(hers), await heard(theirs)];
      const shown = (await opens(theirs)).some(
        (each) => (each as { actor: Frame }).actor.id === String(bob.id),
      );
      return { ada: ada.told, cy: cy.told, shown, read: (read as object[]).length, counts };
    };
    expect(await reads()).toMatchObject({ ada: true, cy: true, shown: true, read: 1, counts: { read: 1 } });
    await ask(his, "profile", { privacy: { receipts: "nobody" } });
    expect(await reads()).toMatchObject({
      ada: false,
      cy: false,
      shown: false,
      read: 0,
      counts: { read: 0 },
    });
    const own = (await opens(his)) as { actor: Frame }[];
    expect(own).toContainEqual(expect.objectContaining({ actor }));
    await ask(his, "profile", { privacy: { receipts: "contacts" } });
    await node.useCases.contacts.add(bob.actor, {
      name: String(userOf(await ask(hers, "profile")).handle),
    });
    expect(await reads()).toMatchObject({ ada: true, cy: false, shown: false, read: 1 });
  });

  test("[GW-17.4] a block reaches one's sessions, is in ready, and shuts the one-to-one room", async () => {
    const [ada, bob] = await colleagues("Ada", "Bob");
    const { room: pair } = await node.useCases.oneToOne.open(ada.actor, bob.actor);
    const user = String(bob.id);
    const [phone, desk, his] = [await connect(ada), await connect(ada), await connect(bob)];
    expect(await ask(phone, "block", { user })).not.toHaveProperty("duplicate");
    expect(await desk.next(({ op }) => op === "block")).toMatchObject({ user, on: true });
    expect(await ask(phone, "block", { user })).toMatchObject(DUPLICATE);
    expect(usersOf(await ask(desk, "blocked"))).toMatchObject([{ id: user, name: "Bob" }]);
    expect((await enter(ada)).ready).toMatchObject({ blocked: [user] });
    const says = () => ask(his, "send", { room: pair.token, id: randomUUID(), text: "Hello" });
    expect(await says()).toMatchObject({ code: "forbidden" });
    expect(await ask(phone, "unblock", { user })).not.toHaveProperty("duplicate");
    expect(await desk.next(({ op }) => op === "block")).toMatchObject({ user, on: false });
    expect(await ask(phone, "unblock", { user })).toMatchObject(DUPLICATE);
    expect(usersOf(await ask(desk, "blocked"))).toEqual([]);
    expect(await says()).toMatchObject({ op: "ok" });
    expect(his.seen.filter(({ op }) => op === "block")).toEqual([]);
  });

  test("[GW-17.4] nobody blocks themselves, or whom they may not know", async () => {
    const [ada] = await colleagues("Ada");
    const [stranger] = await colleagues("Stranger");
    const client = await connect(ada);
    const blocks = (user: string) => ask(client, "block", { user });
    expect(await blocks(String(ada.id))).toMatchObject({ code: "bad_request", field: "user" });
    for (const user of [String(stranger.id), "0", "nobody", "99999999999999999999"]) {
      expect(await blocks(user)).toMatchObject({ code: "not_found", field: "user" });
    }
  });

  test("[GW-17.15] one's organizations are listed, and no other; a room may be made in them", async () => {
    const [ada] = await colleagues("Ada");
    await colleagues("Bob");
    const client = await connect(ada);
    const { directory, lookup } = node.useCases;
    const second = await directory.createOrganization({ name: "Second" });
    await directory.putOrganizationUser(second.id, ada.id, "member");
    const mine = await lookup.organizationsOf({ id: ada.id });
    expect(mine).toHaveLength(2);
    const answer = await ask(client, "organizations");
    expect(answer).toMatchObject({ op: "ok" });
    expect(answer.organizations).toEqual(mine.map(({ id, uuid, name }) => ({ id: String(id), uuid, name })));
    expect(answer.organizations).toContainEqual({ id: String(second.id), uuid: second.uuid, name: "Second" });
    const wanted = { id: "r", type: "group", name: "Room", organization: String(second.id) };
    expect(await ask(client, "room.create", wanted)).toMatchObject({
      room: { organization: String(second.id) },
    });
    const stranger = await connect(await person(node, "Stranger"));
    expect(await ask(stranger, "organizations")).toMatchObject({ organizations: [] });
  });
});
