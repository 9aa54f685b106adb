/** PROTOCOL.md, section 16: making, joining and changing rooms, and their links. */
import { expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { type Node, type Person, person, room, say, site } from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

describeWith("postgres", "rooms over the socket", ({ postgres }) => {
  const { node, raw } = site(postgres.url);
  let started: Promise<Node> | null = null;
  let refs = 0;

  /** Ada, Bob and Cyd, who share no room, and a session each. */
  const setting = async () => {
    started ??= node();
    const one = await started;
    const people = [await person(one, "Ada"), await person(one, "Bob"), await person(one, "Cyd")];
    const [ada, bob, cyd] = people as [Person, Person, Person];
    const session = async ({ token }: Person) => {
      const client = await raw(one);
      await client.hello(token);
      return client;
    };
    const [a, b, c] = [await session(ada), await session(bob), await session(cyd)];
    return { one, ada, bob, cyd, a, b, c, session };
  };
  const ask = (client: RawClient, op: string, more: object = {}) =>
    client.ask({ op, ref: `${op} ${refs++}`, ...more });
  const entry = (answer: Frame) => answer.room as { room: string } & Record<string, unknown>;
  const event = (type: string) => (frame: Frame) => frame.type === type;
  const headOf = async (client: RawClient, room: string) => {
    const { events } = await ask(client, "history", { room, limit: 1 });
    return (events as Frame[])[0]?.seq;
  };
  const upload = async ({ useCases }: Node, { actor }: Person, content: Uint8Array, filename = "a.png") =>
    (
      await useCases.attachments.upload(actor, {
        filename,
        content: new Blob([new Uint8Array(content)]).stream(),
      })
    ).id;

  test("[GW-16.10] a room is made once for each id, and is there for the next command", async () => {
    const { one, ada, bob, a, b } = await setting();
    const made = {
      ...{ id: "team-1", type: "group", name: " Team ", description: "All of us", members: [String(bob.id)] },
      avatar: await upload(one, ada, PNG),
    };
    const first = await ask(a, "room.create", made);
    const { room } = entry(first);
    expect(await ask(a, "open", { room })).toMatchObject({ op: "ok" });
    expect(entry(first)).toMatchObject({
      ...{ name: "Team", type: "group", role: "owner", members: 2, description: "All of us" },
      ...{ readOnly: false, posting: "all", avatar: expect.stringContaining("/avatars/") },
    });
    expect(first).not.toHaveProperty("duplicate");
    await b.next((frame) => frame.type === "member.joined" && frame.room === room);
    const again = await ask(a, "room.create", { ...made, name: "Another" });
    expect(again).toMatchObject({ duplicate: true, room: { room, name: "Team" } });
    const others = await ask(b, "room.create", { ...made, members: [], avatar: null });
    expect(entry(others).room).not.toBe(room);
    await ask(a, "room.delete", { room });
    expect(await ask(a, "room.create", made)).toMatchObject({ code: "not_found" });
  });

  test("[GW-16.10] the same id at once makes one room", async () => {
    const { ada, a, session } = await setting();
    const made = { id: "twice", type: "public", name: "Plaza" };
    const sessions = [a, await session(ada), await session(ada)];
    const answers = await Promise.all(sessions.map((one) => ask(one, "room.create", made)));
    expect(new Set(answers.map((answer) => entry(answer).room)).size).toBe(1);
    expect(answers.filter(({ duplicate }) => duplicate === true)).toHaveLength(2);
  });

  test("[GW-16.2] [GW-16.10] a room is made with all of its people or not at all", async () => {
    const { one, ada, bob, a } = await setting();
    const made = { id: "m", type: "group", name: "Team" };
    const rooms = async () => (await one.store.roomLists.idsOf(`u:${ada.id}`)).length;
    for (const [more, code, field] of [
      [{ members: [String(bob.id), "9007199254740991"] }, "not_found", "members"],
      [{ members: [bob.uuid] }, "bad_request", "members.0"],
      [{ members: Array.from({ length: 101 }, (_, i) => String(i + 1)) }, "bad_request", "members"],
      [{ name: " " }, "bad_request", "name"],
      [{ id: "" }, "bad_request", "id"],
      [{ type: "one_to_one" }, "bad_request", "type"],
      [{ organization: 999_999_999 }, "not_found", "organization"],
      [{ avatar: "nobodys-picture1" }, "bad_request", "avatar"],
      [{ avatar: await upload(one, ada, Buffer.from("words")) }, "bad_request", "avatar"],
      [{ avatar: await upload(one, bob, PNG) }, "bad_request", "avatar"],
      [
        { avatar: await upload(one, ada, Buffer.concat([PNG, Buffer.alloc(1 << 20)])) },
        "too_large",
        "avatar",
      ],
    ] as const) {
      expect(
        await ask(a, "room.create", { ...made, ...more }),
        JSON.stringify(more).slice(0, 80),
      ).toMatchObject({
        ...{ code, field },
      });
    }
    expect(await rooms()).toBe(0);
    expect(await ask(a, "room.create", made)).toMatchObject({ op: "ok" });
  });

  test("[GW-16.11] two people have one room, whoever opens it", async () => {
    const { ada, bob, a, b } = await setting();
    const first = await ask(a, "room.direct", { user: String(bob.id) });
    expect(entry(first)).toMatchObject({ type: "one_to_one", name: "Bob", peer: { id: String(bob.id) } });
    const { room } = entry(first);
    const other = await ask(b, "room.direct", { user: String(ada.id) });
    expect(other).toMatchObject({ duplicate: true, room: { room, name: "Ada" } });
    expect(await ask(a, "room.direct", { user: "9007199254740991" })).toMatchObject({
      ...{ code: "not_found", field: "user" },
    });
    for (const op of ["room.set", "room.link"]) {
      const more = op === "room.set" ? { name: "Us" } : { on: true };
      expect(await ask(a, op, { room, ...more }), op).toMatchObject({ code: "bad_request" });
    }
    expect(await ask(a, "room.set", { room, password: "x" })).toMatchObject({ code: "bad_request" });
  });

  test("[GW-16.12] a public room is joined by its token, with the password where there is one", async () => {
    const { ada, one, a, b } = await setting();
    const { room } = entry(await ask(a, "room.create", { id: "p", type: "public", name: "Plaza" }));
    expect(await ask(a, "room.set", { room, password: "sesame" })).toMatchObject({
      room: { hasPassword: true },
    });
    for (const password of [undefined, "", "wrong"]) {
      expect(await ask(b, "room.join", { room, password })).toMatchObject({
        ...{ code: "forbidden", field: "password" },
      });
    }
    const joined = await ask(b, "room.join", { room, password: "sesame" });
    expect(entry(joined)).toMatchObject({ room, role: "self_joined", members: 2 });
    expect(await ask(b, "open", { room })).toMatchObject({ op: "ok" });
    expect(await ask(b, "room.join", { room })).toMatchObject({ duplicate: true, room: { room } });
    const group = entry(await ask(a, "room.create", { id: "g", type: "group", name: "Team" }));
    expect(await ask(b, "room.join", { room: group.room })).toMatchObject({
      code: "not_found",
      field: "room",
    });
    expect(await ask(b, "room.join", {})).toMatchObject({ code: "bad_request", field: "room" });
    const both = { room, link: "x" };
    expect(await ask(b, "room.join", both)).toMatchObject({ code: "bad_request", field: "room" });
    // Those who joined by themselves leave a room that is public no more.
    await ask(a, "room.set", { room, type: "group" });
    await b.next((frame) => frame.type === "member.left" && frame.room === room);
    await say(one, ada, { id: 0, token: room }, "among us");
  });

  test("[GW-16.13] settings change together, once, for all or not at all", async () => {
    const { one, ada, bob, a, b } = await setting();
    const { token } = await room(one, [ada, bob]);
    const patch = {
      ...{
        room: token,
        name: "New",
        description: "Words",
        messageTimer: 60_000,
        type: "public",
        password: "x",
      },
      ...{ readOnly: true, posting: "moderators", lobby: true, lobbyUntil: 4_000_000_000_000 },
      avatar: await upload(one, ada, PNG),
    };
    expect(await ask(b, "room.set", patch)).toMatchObject({ code: "forbidden" });
    const answer = await ask(a, "room.set", patch);
    expect(answer).not.toHaveProperty("duplicate");
    expect(entry(answer)).toMatchObject({
      ...{ name: "New", description: "Words", messageTimer: 60_000, type: "public", hasPassword: true },
      ...{ readOnly: true, posting: "moderators", lobby: true, lobbyUntil: 4_000_000_000_000 },
      avatar: expect.stringContaining("/avatars/"),
    });
    const changed = await b.next(event("room.changed"));
    expect(changed.data).toMatchObject({
      name: "New",
      posting: "moderators",
      hasPassword: true,
      lobby: true,
    });
    const head = await headOf(a, token);
    expect(head).toBe(changed.seq);
    const again = await ask(a, "room.set", patch);
    expect(again).toMatchObject({ duplicate: true });
    expect(entry(again).avatar).toBe(entry(answer).avatar);
    expect(await headOf(a, token)).toBe(head);

    const wrong = { room: token, readOnly: false, name: "x".repeat(201) };
    expect(await ask(a, "room.set", wrong)).toMatchObject({ code: "bad_request", field: "name" });
    expect(await headOf(a, token)).toBe(head);
    const removed = { room: token, avatar: null, description: null, password: null, lobby: false };
    const left = entry(await ask(a, "room.set", { ...removed, messageTimer: null, type: "group" }));
    for (const field of ["avatar", "description", "messageTimer", "lobbyUntil"])
      expect(left, field).not.toHaveProperty(field);
    expect(left).toMatchObject({ hasPassword: false, lobby: false, type: "group", posting: "moderators" });
    for (const [more, code, field] of [
      [{ lobbyUntil: 4_000_000_000_000 }, "bad_request", "lobbyUntil"],
      [{ posting: "nobody" }, "bad_request", "posting"],
      [{ description: "x".repeat(2_001) }, "bad_request", "description"],
      [{ nickname: "x" }, "bad_request", "nickname"],
    ] as const) {
      expect(await ask(a, "room.set", { room: token, ...more })).toMatchObject({ code, field });
    }
    expect(await ask(a, "room.set", { room: token, password: "x" })).toMatchObject({ code: "forbidden" });
  });

  test("[GW-16.14] where only moderators write, others are forbidden to, at once, and react all the same", async () => {
    const { one, ada, bob, a, b } = await setting();
    const home = await room(one, [ada, bob]);
    const { seq } = await say(one, bob, home, "before");
    const inRoom = { room: home.token };
    await ask(a, "room.set", { ...inRoom, posting: "moderators" });
    const hello = { ...inRoom, id: "m-1", text: "Hello" };
    for (const [op, more] of [
      ["send", hello],
      ["edit", { ...inRoom, seq, text: "after" }],
      ["typing", { ...inRoom, on: true }],
    ] as const) {
      expect(await ask(b, op, more), op).toMatchObject({ code: "forbidden", retry: false });
    }
    expect(await ask(b, "react", { ...inRoom, seq, name: "smile" })).toMatchObject({ op: "ok" });
    expect(await ask(a, "send", { ...hello, id: "a-1" })).toMatchObject({ op: "ok" });
    await ask(a, "member.role", { ...inRoom, user: String(bob.id), role: "moderator" });
    expect(await ask(b, "send", hello)).toMatchObject({ op: "ok" });
    await ask(a, "member.role", { ...inRoom, user: String(bob.id), role: "user" });
    expect(await ask(b, "send", { ...hello, id: "m-2" })).toMatchObject({ code: "forbidden" });
    await ask(a, "room.set", { ...inRoom, posting: "all" });
    expect(await ask(b, "send", { ...hello, id: "m-2" })).toMatchObject({ op: "ok" });
  });

  test("[GW-16.15] [GW-16.12] a link lets people in, by its URL or code, until it is taken away", async () => {
    const { one, ada, bob, a, b, c } = await setting();
    const { token } = await room(one, [ada, bob]);
    const inRoom = { room: token };
    expect(await ask(b, "room.link", { ...inRoom, on: true })).toMatchObject({ code: "forbidden" });
    const made = await ask(a, "room.link", { ...inRoom, on: true, password: "sesame" });
    expect(made).toMatchObject({ link: expect.stringMatching(/^https?:.*code=/) });
    const changed = await b.next(event("room.changed"));
    expect(JSON.stringify(changed.data)).not.toContain(new URL(made.link as string).searchParams.get("code"));
    expect(await ask(a, "room.link", { ...inRoom, on: true, password: "sesame" })).toMatchObject({
      ...{ link: made.link, duplicate: true },
    });
    expect(await ask(b, "room.link", { ...inRoom, on: true })).toMatchObject({
      link: made.link,
      duplicate: true,
    });
    const link = made.link as string;
    const code = new URL(link).searchParams.get("code") as string;
    expect(await ask(c, "room.join", { link })).toMatchObject({ code: "forbidden", field: "password" });
    expect(await ask(c, "room.join", { link: code, password: "no" })).toMatchObject({ field: "password" });
    const joined = await ask(c, "room.join", { link: code, password: "sesame" });
    expect(entry(joined)).toMatchObject({ room: token, role: "user", members: 3 });
    expect(await ask(c, "room.join", { link })).toMatchObject({ duplicate: true, room: { room: token } });

    await ask(c, "room.leave", inRoom);
    await ask(b, "room.link", { ...inRoom, on: true, password: null });
    expect(await ask(c, "room.join", { link })).toMatchObject({ room: { room: token } });
    await ask(c, "room.leave", inRoom);
    expect(await ask(a, "room.link", { ...inRoom, on: false })).toEqual({
      ...{ op: "ok", ref: expect.anything(), link: null },
    });
    expect(await ask(a, "room.link", { ...inRoom, on: false })).toMatchObject({
      link: null,
      duplicate: true,
    });
    for (const gone of [link, code, "nonsense", "https://chat.example/x", ""]) {
      expect(await ask(c, "room.join", { link: gone }), gone).toMatchObject({
        code: "not_found",
        field: "link",
      });
    }
    expect(await ask(b, "room.link", { ...inRoom, on: true })).toMatchObject({ code: "forbidden" });
    const { events } = await ask(a, "history", inRoom);
    const said = (events as Frame[]).filter(({ type }) => type === "room.changed");
    expect(said.map(({ data }) => (data as { guestLink: boolean }).guestLink)).toEqual([true, true, false]);
  });
});
