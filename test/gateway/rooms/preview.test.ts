/** PROTOCOL.md, GW-16.16: a look at a room before joining it. */
import { expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { type Node, person, room, site } from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

describeWith("postgres", "a look before joining", ({ postgres }) => {
  const { node, raw } = site(postgres.url);
  let started: Promise<Node> | null = null;
  let refs = 0;
  const ask = (client: RawClient, op: string, more: object = {}) =>
    client.ask({ op, ref: `${op} ${refs++}`, ...more });
  const told = ({ op: _, ref: __, ...fields }: Frame) => fields;

  /** Ada, and Cyd, who is in none of her rooms, with a session each. */
  const setting = async () => {
    started ??= node();
    const one = await started;
    const [ada, cyd] = [await person(one, "Ada"), await person(one, "Cyd")];
    const [a, c] = [await raw(one), await raw(one)];
    await a.hello(ada.token);
    await c.hello(cyd.token);
    return { one, ada, a, c };
  };

  test("[GW-16.16] a public room tells strangers that it is there, and no name", async () => {
    const { a, c } = await setting();
    const made = await ask(a, "room.create", { id: "p", type: "public", name: "Plaza" });
    const { room: token } = made.room as { room: string };
    const stranger = { room: token, type: "public", hasPassword: false };
    expect(told(await ask(c, "room.preview", { room: token }))).toEqual(stranger);
    await ask(a, "room.set", { room: token, password: "sesame" });
    expect(told(await ask(c, "room.preview", { room: token }))).toEqual({ ...stranger, hasPassword: true });
    await ask(c, "room.join", { room: token, password: "sesame" });
    expect(told(await ask(c, "room.preview", { room: token }))).toEqual({
      ...{ ...stranger, hasPassword: true, name: "Plaza", member: true },
    });
  });

  test("[GW-16.16] a link tells the name, and the token only to who is in the room", async () => {
    const { one, ada, a, c } = await setting();
    const { token } = await room(one, [ada]);
    await ask(a, "room.set", { room: token, name: "Team" });
    const { link } = await ask(a, "room.link", { room: token, on: true, password: "sesame" });
    const code = new URL(link as string).searchParams.get("code");
    const stranger = { name: "Team", type: "group", hasPassword: true };
    for (const given of [link, code]) {
      expect(told(await ask(c, "room.preview", { link: given }))).toEqual(stranger);
    }
    expect(told(await ask(a, "room.preview", { link }))).toEqual({ ...stranger, room: token, member: true });
    const { members } = await ask(a, "members", { room: token });
    expect(members, "looking joins nobody").toHaveLength(1);
    await ask(a, "room.link", { room: token, on: true, password: null });
    expect(await ask(c, "room.preview", { link })).toMatchObject({ hasPassword: false });
  });

  test("[GW-16.16] what can't be joined is not shown", async () => {
    const { one, ada, a, c } = await setting();
    const { token } = await room(one, [ada]);
    const { link } = await ask(a, "room.link", { room: token, on: true });
    await ask(a, "room.link", { room: token, on: false });
    for (const [given, code, field] of [
      [{ room: token }, "not_found", "room"],
      [{ room: "nowhere1" }, "not_found", "room"],
      [{ room: "No token" }, "not_found", "room"],
      [{ link }, "not_found", "link"],
      [{ link: "nonsense" }, "not_found", "link"],
      [{ link: "x".repeat(5_000) }, "bad_request", "link"],
      [{}, "bad_request", "room"],
      [{ room: token, link }, "bad_request", "room"],
      [{ room: token, password: "x" }, "bad_request", "password"],
    ] as const) {
      expect(await ask(c, "room.preview", given), JSON.stringify(given).slice(0, 60)).toMatchObject({
        ...{ code, field },
      });
    }
    await one.store.transaction(async (tx) => {
      const [found] = await tx.lockRooms([(await one.store.rooms.byToken(token))?.id ?? 0]);
      await tx.updateRoom(found?.id ?? 0, {
        access: ["code"],
        accessRole: "private",
        guestCode: "c".repeat(20),
      });
    });
    expect(await ask(c, "room.preview", { link: "c".repeat(20) })).toMatchObject({
      ...{ code: "forbidden", field: "link" },
    });
  });
});
