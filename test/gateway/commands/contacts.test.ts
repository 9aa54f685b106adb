/** PROTOCOL.md, GW-17.16 and GW-17.17: one's contact book. */
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
