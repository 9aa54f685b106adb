/** PROTOCOL.md, GW-17.16 to GW-17.21: one's contact book, and connections with people of other organizations. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { type Node, type Person, person, site } from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

describeWith("postgres", "the contact book", ({ postgres }) => {
  const { node, raw } = site(postgres.url);
  let started: Promise<Node> | null = null;
  let refs = 0;
  const ask = (client: RawClient, op: string, more: object = {}) =>
    client.ask({ op, ref: `${op} ${refs++}`, ...more });
  const listed = (answer: Frame) =>
    (answer.contacts as { user: { id: string }; name?: string; room?: string }[]).map((one) => [
      ...[one.user.id, one.name ?? null, one.room ?? null],
    ]);

  /** Ada with two sessions, her colleagues Bob and Cyd, and Eve of no organization. */
  const setting = async () => {
    started ??= node();
    const one = await started;
    const { directory } = one.useCases;
    const organization = await directory.createOrganization({ name: randomUUID() });
    const people: Person[] = [];
    for (const name of ["Ada", "Bob", "Cyd"]) {
      const each = await person(one, name);
      await directory.putOrganizationUser(organization.id, each.id, "member");
      people.push(each);
    }
    const [ada, bob, cyd] = people as [Person, Person, Person];
    const [phone, desk, bobs] = [await raw(one), await raw(one), await raw(one)];
    await phone.hello(ada.token);
    await desk.hello(ada.token);
    await bobs.hello(bob.token);
    return { one, ada, bob, cyd, eve: await person(one, "Eve"), phone, desk, bobs };
  };
  const contact = ({ op }: Frame) => op === "contact";

  test("[GW-17.16] [GW-17.17] somebody is put in, named and taken out, and all of one's sessions hear it", async () => {
    const { bob, phone, desk, bobs } = await setting();
    const user = String(bob.id);
    const set = await ask(phone, "contact.set", { user });
    expect(set).toMatchObject({ op: "ok", contact: { user: { id: user, name: "Bob" } } });
    expect(set).not.toHaveProperty("duplicate");
    expect(await desk.next(contact)).toEqual({ op: "contact", user, on: true });
    expect(await ask(desk, "contact.set", { user })).toMatchObject({ duplicate: true });
    expect(await ask(desk, "contact.set", { user, name: null })).toMatchObject({ duplicate: true });
    await ask(phone, "contact.set", { user, name: " Bobby " });
    expect(await desk.next(contact)).toEqual({ op: "contact", user, on: true, name: "Bobby" });
    expect(await ask(phone, "contact.set", { user, name: "Bobby" })).toMatchObject({ duplicate: true });
    expect(await ask(phone, "contact.set", { user })).toMatchObject({
      ...{ duplicate: true, contact: { name: "Bobby" } },
    });
    expect(listed(await ask(desk, "contacts"))).toEqual([[user, "Bobby", null]]);

    const { room: entry } = await ask(phone, "room.direct", { user });
    const { room } = entry as { room: string };
    expect(listed(await ask(desk, "contacts"))).toEqual([[user, "Bobby", room]]);
    expect(await ask(phone, "contact.remove", { user })).not.toHaveProperty("duplicate");
    expect(await desk.next(contact)).toEqual({ op: "contact", user, on: false });
    expect(await ask(desk, "contact.remove", { user })).toMatchObject({ duplicate: true });
    expect(listed(await ask(desk, "contacts"))).toEqual([]);
    expect(await ask(bobs, "open", { room }), "the room stays").toMatchObject({ op: "ok" });
    expect(bobs.seen.filter(contact)).toEqual([]);
  });

  test("[GW-17.16] the book comes in pages, the same as by Protocol, which tells sessions as well", async () => {
    const { one, ada, bob, cyd, phone } = await setting();
    await ask(phone, "contact.set", { user: String(bob.id) });
    const { publicId: name = "" } = (await one.store.users.byId(cyd.id)) ?? {};
    await one.useCases.contacts.add(ada.actor, { name });
    await phone.next((frame) => contact(frame) && frame.user === String(cyd.id));
    const first = await ask(phone, "contacts", { limit: 1 });
    const second = await ask(phone, "contacts", { limit: 1, after: first.next });
    const ids = [...listed(first), ...listed(second)].map(([id]) => id).sort();
    expect(ids).toEqual([String(bob.id), String(cyd.id)].sort());
    expect(second).not.toHaveProperty("next");
  });

  test("[GW-17.17] nobody else gets in, and bad fields are named", async () => {
    const { ada, bob, eve, phone } = await setting();
    for (const [op, more, code, field] of [
      ["contact.set", { user: String(eve.id) }, "not_found", "user"],
      ["contact.set", { user: "9007199254740991" }, "not_found", "user"],
      ["contact.set", { user: "Bob" }, "not_found", "user"],
      ["contact.set", { user: String(ada.id) }, "bad_request", "user"],
      ["contact.set", { user: String(bob.id), name: "x".repeat(201) }, "bad_request", "name"],
      ["contact.set", { user: String(bob.id), phone: "1" }, "bad_request", "phone"],
      ["contacts", { limit: 101 }, "bad_request", "limit"],
      ["contacts", { after: "nobody" }, "bad_request", "after"],
    ] as const) {
      expect(await ask(phone, op, more), JSON.stringify(more).slice(0, 60)).toMatchObject({ code, field });
    }
    expect(listed(await ask(phone, "contacts"))).toEqual([]);
  });
});

describeWith("postgres", "connections", ({ postgres }) => {
  const { node, raw } = site(postgres.url);
  let started: Promise<Node> | null = null;
  let refs = 0;
  const ask = (client: RawClient, op: string, more: object = {}) =>
    client.ask({ op, ref: `${op} ${refs++}`, ...more });
  const news = ({ op }: Frame) => op === "connection";
  const listed = async (client: RawClient, more: object = {}) =>
    (await ask(client, "connections", more)).connections as Frame[];

  /** Ada with two sessions and Bob, each of an organization of their own. */
  const setting = async () => {
    started ??= node();
    const one = await started;
    const strangers: Person[] = [];
    for (const name of ["Ada", "Bob"]) {
      const each = await person(one, name);
      const { id } = await one.useCases.directory.createOrganization({ name: randomUUID() });
      await one.useCases.directory.putOrganizationUser(id, each.id, "member");
      strangers.push(each);
    }
    const [ada, bob] = strangers as [Person, Person];
    const [phone, desk, bobs] = [await raw(one), await raw(one), await raw(one)];
    await phone.hello(ada.token);
    await desk.hello(ada.token);
    await bobs.hello(bob.token);
    const ids = ({ id, uuid }: Person) => ({ id: String(id), uuid });
    return { one, ada, bob, phone, desk, bobs, ids };
  };

  test("[GW-17.18] [GW-17.19] [GW-17.21] who is asked hears it at once, and accepts; the two then have a room", async () => {
    const { ada, bob, phone, desk, bobs, ids } = await setting();
    const asked = await ask(phone, "connection.ask", { user: bob.uuid, message: "Hello, Bob" });
    const sent = { status: "sent", message: "Hello, Bob", room: expect.any(String), at: expect.any(Number) };
    expect(asked.connection).toEqual({ user: ids(bob), ...sent });
    expect(asked).not.toHaveProperty("duplicate");
    expect(await desk.next(news)).toEqual({ op: "connection", user: ids(bob), ...sent });
    // Before the answer of the session that asked.
    expect(phone.seen.filter(news)).toEqual(desk.seen.filter(news));
    const pending = await bobs.next(news);
    expect(pending).toMatchObject({
      status: "pending",
      message: "Hello, Bob",
      user: { name: "Ada", ...ids(ada) },
    });
    expect(await listed(bobs)).toEqual([expect.objectContaining({ status: "pending", at: pending.at })]);
    expect(await ask(desk, "connection.ask", { user: bob.uuid })).toMatchObject({ duplicate: true });
    expect(await ask(bobs, "open", { room: pending.room })).toMatchObject({ code: "not_found" });

    const user = String(ada.id);
    const accepted = await ask(bobs, "connection.set", { user, status: "accepted" });
    expect(accepted.connection).toMatchObject({ status: "accepted", user: ids(ada) });
    expect(await phone.next(news)).toMatchObject({ status: "accepted", user: { name: "Bob", ...ids(bob) } });
    expect(await ask(bobs, "connection.set", { user, status: "accepted" })).toMatchObject({
      duplicate: true,
    });
    expect(await ask(bobs, "open", { room: pending.room })).toMatchObject({ op: "ok" });
    expect(await listed(phone)).toMatchObject([
      { status: "accepted", user: { name: "Bob" }, room: pending.room },
    ]);
  });

  test("[GW-17.20] a request is ignored or taken back; whoever asks back accepts", async () => {
    const { ada, bob, phone, bobs } = await setting();
    const [hers, his] = [String(ada.id), String(bob.id)];
    const status = (frame: Frame) => (frame.connection as Frame).status;
    await ask(phone, "connection.ask", { user: bob.uuid });
    await bobs.next(news);
    expect(status(await ask(bobs, "connection.set", { user: hers, status: "ignored" }))).toBe("ignored");
    expect(await listed(phone)).toMatchObject([{ status: "sent" }]);
    expect(status(await ask(phone, "connection.set", { user: bob.uuid, status: "cancelled" }))).toBe(
      "cancelled",
    );
    expect(await bobs.next((frame) => news(frame) && frame.status === "cancelled")).not.toHaveProperty(
      "room",
    );
    expect(await ask(phone, "connection.set", { user: his, status: "accepted" })).toMatchObject({
      ...{ code: "conflict", field: "status" },
    });
    await ask(bobs, "connection.ask", { user: ada.uuid });
    await phone.next((frame) => news(frame) && frame.status === "pending");
    const back = await ask(phone, "connection.ask", { user: bob.uuid });
    expect(back).toMatchObject({ connection: { status: "accepted" } });
    expect(back).not.toHaveProperty("duplicate");
    await bobs.next((frame) => news(frame) && frame.status === "accepted");
  });

  test("[GW-17.20] [GW-17.21] who is blocked hears nothing, and who unblocks has what was before", async () => {
    const { ada, bob, phone, bobs } = await setting();
    await ask(phone, "connection.ask", { user: bob.uuid });
    await bobs.next(news);
    const user = String(ada.id);
    expect(await ask(bobs, "connection.set", { user, status: "blocked" })).toMatchObject({
      connection: { status: "blocked" },
    });
    expect(bobs.seen.filter(({ op }) => op === "block")).toEqual([{ op: "block", user, on: true }]);
    expect(await ask(bobs, "connection.ask", { user: ada.uuid })).toMatchObject({ code: "forbidden" });
    expect(await listed(phone)).toMatchObject([{ status: "sent" }]);
    expect(await ask(bobs, "unblock", { user })).toMatchObject({ op: "ok" });
    expect(await listed(bobs)).toMatchObject([{ status: "accepted" }]);
    const told = await phone.next((frame) => news(frame) && frame.status !== "sent");
    expect(told).toMatchObject({ status: "accepted" });
    expect(phone.seen.filter(news).map((frame) => frame.status)).toEqual(["sent", "accepted"]);
  });

  test("[GW-17.19] [GW-17.20] nobody is found by guessing, and bad fields are named", async () => {
    const { ada, bob, phone } = await setting();
    const nobody = randomUUID();
    for (const [op, more, code, field] of [
      ["connection.ask", { user: String(bob.id) }, "not_found", "user"],
      ["connection.ask", { user: nobody }, "not_found", "user"],
      ["connection.ask", { user: ada.uuid }, "bad_request", "user"],
      ["connection.ask", { user: bob.uuid, message: "x".repeat(257) }, "bad_request", "message"],
      ["connection.set", { user: bob.uuid, status: "accepted" }, "not_found", "user"],
      ["connection.set", { user: String(bob.id), status: "blocked" }, "not_found", "user"],
      ["connection.set", { user: nobody, status: "blocked" }, "not_found", "user"],
      ["connection.set", { user: String(ada.id), status: "blocked" }, "not_found", "user"],
      ["connection.set", { user: bob.uuid, status: "sent" }, "bad_request", "status"],
      ["connections", { limit: 101 }, "bad_request", "limit"],
      ["connections", { after: "nobody" }, "bad_request", "after"],
    ] as const) {
      const refused = await ask(phone, op, more);
      expect(refused, `${op} ${JSON.stringify(more).slice(0, 60)}`).toMatchObject({ code, field });
    }
    expect(await listed(phone)).toEqual([]);
  });

  test("[GW-17.18] the list comes in pages, the same as by Wire, whose changes are told as well", async () => {
    const { one, ada, bob, phone } = await setting();
    const third = await person(one, "Cyd");
    await ask(phone, "connection.ask", { user: bob.uuid });
    await one.useCases.connections.connect(third.actor, ada.uuid);
    expect(await phone.next((frame) => news(frame) && frame.status === "pending")).toMatchObject({
      user: { name: "Cyd", uuid: third.uuid },
    });
    const first = await ask(phone, "connections", { limit: 1 });
    const second = await ask(phone, "connections", { limit: 1, after: first.next });
    const uuids = [first, second].map(
      ({ connections }) => (connections as { user: { uuid: string } }[])[0]?.user.uuid,
    );
    expect(uuids).toEqual([bob.uuid, third.uuid].sort());
    expect(second).not.toHaveProperty("next");
  });
});
