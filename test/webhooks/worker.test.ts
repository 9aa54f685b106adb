/** Webhooks: what is told, in which order, to whom, and what happens while nobody listens. */

import { randomUUID } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import type { WebhookNews } from "../../src/domain/ports/webhooks.ts";
import { newMember, putPeople } from "../../src/domain/rooms/members.ts";
import { createTargets } from "../../src/webhooks/targets.ts";
import { startWebhooks, type WebhookWorker } from "../../src/webhooks/worker.ts";
import { memoryFiles } from "../attachments/memory.ts";
import { describeDomain, message, type Person, SYSTEM_ACTOR, type World } from "../domain/world.ts";
import { type Receiver, signatureOf, startReceiver } from "./receiver.ts";

const SECRET = "a secret of the operator";
const targets = createTargets({ allowPrivate: true });

/** What the tests look at of each object. */
async function shape(news: WebhookNews): Promise<object> {
  const viewer = news.viewer?.displayName ?? null;
  if ("event" in news) return { viewer, ...news.place, text: JSON.parse(news.event.dataJson).text };
  if ("people" in news)
    return { viewer, name: news.room.name, people: news.people.length, pinned: news.pinned };
  if ("attachment" in news) return { viewer, id: news.attachment.id, seq: news.place?.seq ?? null };
  return { viewer, contact: news.contact.user.displayName, as: news.contact.displayName };
}

describeDomain("webhooks", (world) => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  function work(): WebhookWorker {
    const silent = {
      info: () => {},
      warn: () => {},
      error: (fields: object) => void world.warnings.push(fields),
    };
    const worker = startWebhooks({
      store: world.store,
      commits: world.store,
      shape,
      targets,
      logger: silent,
    });
    ends.push(() => worker.stop());
    return worker;
  }

  async function setting(events: Parameters<World["useCases"]["webhooks"]["create"]>[0]["events"] = null) {
    const receiver = await startReceiver();
    ends.push(() => receiver.close());
    const organization = await world.organization();
    const { webhook } = await world
      .another({ webhookTargets: targets })
      .webhooks.create({ organizationId: organization.id, url: receiver.url, events, secret: SECRET });
    ends.push(async () => void (await world.store.webhooks.delete(webhook.id)));
    const [ada, bob] = [await world.person("Ada", organization), await world.person("Bob", organization)];
    return { receiver, webhook, organization, ada, bob };
  }

  const say = (person: Person, room: { token: string }, text: string) =>
    world.useCases.messages.send(person.actor, room.token, message(text));
  const types = (receiver: Receiver) => receiver.taken().map(({ type }) => type);

  test("[D.3] tell what happens in a room, in its order, each signed with the raw body's HMAC", async () => {
    const { receiver, ada, bob } = await setting();
    work();
    const { messages, reactions, pins, roomSettings, roomLifecycle } = world.useCases;
    const room = await world.group([ada, bob]);
    const { seq } = await say(ada, room, "hello");
    await reactions.add(bob.actor, room.token, seq, "heart");
    await messages.edit(ada.actor, room.token, seq, { text: "hello!" });
    await pins.pin(ada.actor, room.token, seq);
    await pins.unpin(ada.actor, room.token);
    await roomSettings.rename(ada.actor, room.token, "New");
    await messages.remove(ada.actor, room.token, seq);
    await roomLifecycle.delete(ada.actor, room.token);
    await receiver.takes(12);
    expect(types(receiver)).toEqual([
      ...["group.created", "conversation.created", "message.created", "message.updated", "message.updated"],
      ...["conversation.updated", "conversation.updated", "group.updated", "conversation.updated"],
      ...["message.deleted", "conversation.deleted", "group.deleted"],
    ]);
    for (const { raw, signature, id } of receiver.taken()) {
      expect(signature).toBe(signatureOf(SECRET, raw));
      expect(id).toMatch(/^[A-Za-z0-9]{16}$/);
    }
    expect(new Set(receiver.taken().map(({ id }) => id)).size).toBe(12);
    expect(receiver.taken().at(-1)?.payload).toMatchObject({ name: "New", people: 2 });
  });

  test("show things as whoever acted sees them", async () => {
    const { receiver, ada, bob } = await setting(["message.created"]);
    work();
    const room = await world.group([ada, bob]);
    await say(ada, room, "one");
    await say(bob, room, "two");
    const [one, two] = await receiver.takes(2);
    expect([one?.payload, two?.payload]).toMatchObject([
      { viewer: "Ada", text: "one" },
      { viewer: "Bob", text: "two" },
    ]);
    expect(types(receiver)).toEqual(["message.created", "message.created"]);
  });

  test("people who come and go one after the other change a group once", async () => {
    const { receiver, organization, ada } = await setting(["group.created", "group.updated"]);
    const room = await world.group([ada]);
    const more = [await world.person("C", organization), await world.person("D", organization)];
    const members = more.map(({ actor }) => ({ member: actor, role: "user" as const }));
    await say(ada, room, "now come the others");
    await world.useCases.roomLifecycle.addMembers(ada.actor, room.token, members);
    work();
    await receiver.takes(2);
    await world.useCases.roomLifecycle.rename(ada.actor, room.token, "End");
    await receiver.takes(3);
    expect(receiver.taken().map(({ type, payload }) => `${type} ${payload.people}`)).toEqual([
      "group.created 3",
      "group.updated 3",
      "group.updated 3",
    ]);
  });

  test("a receiver that fails gets the same delivery again, and what follows only after it", async () => {
    const { receiver, ada, bob } = await setting(["message.created"]);
    let failures = 2;
    receiver.answer = () => (failures-- > 0 ? 503 : 200);
    work();
    const room = await world.group([ada, bob]);
    for (const text of ["1", "2", "3"]) await say(ada, room, text);
    await receiver.takes(3);
    const [first, second, third, ...rest] = receiver.received;
    expect([first?.status, second?.status, third?.status]).toEqual([503, 503, 200]);
    expect(second?.raw).toBe(first?.raw);
    expect(third?.raw).toBe(first?.raw);
    expect(rest.map(({ payload }) => payload.text)).toEqual(["2", "3"]);
  });

  test("what was taken back before a receiver took it is neither kept nor told any more", async () => {
    const { receiver, ada, bob } = await setting();
    const { messages, attachments } = world.another({ files: memoryFiles() });
    const room = await world.group([ada, bob]);
    const word = `taken-back-${randomUUID()}`;
    receiver.answer = () => 503;
    work();
    const { seq: edited } = await say(ada, room, word);
    const content = new Blob(["text"]).stream();
    const file = await attachments.upload(ada.actor, { filename: `${word}.txt`, content });
    const sent = message(word, { attachments: [file.id] });
    const { seq: deleted } = await messages.send(ada.actor, room.token, sent);
    const waiting = () => world.store.sql<{ row: string }[]>`
      select d::text as row from webhook_deliveries d union all select n::text from webhook_notes n`;
    await expect.poll(async () => (await waiting()).length, { timeout: 10_000 }).toBeGreaterThan(5);
    await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBeGreaterThan(1);
    await messages.edit(ada.actor, room.token, edited, { text: "kept" });
    await messages.remove(ada.actor, room.token, deleted);
    expect((await waiting()).filter(({ row }) => row.includes(word))).toEqual([]);
    receiver.answer = () => 200;
    await receiver.takes(9);
    expect(receiver.taken().filter(({ raw }) => raw.includes(word))).toEqual([]);
    const texts = receiver.taken().filter(({ type }) => type.startsWith("message."));
    expect(texts.map(({ type, payload }) => `${type} ${payload.text}`)).toEqual([
      ...["message.created kept", "message.created ", "message.updated kept", "message.deleted "],
    ]);
  });

  test("what happens to messages from before its users joined is nothing for an organization of elsewhere", async () => {
    const { receiver, ada } = await setting(["message.created", "message.updated", "message.deleted"]);
    const [cy, dee] = [await world.person("Cy"), await world.person("Dee")];
    const { messages, reactions } = world.useCases;
    const room = await world.group([cy, dee]);
    const [old, older] = [await say(cy, room, "before Ada"), await say(cy, room, "before Ada, too")];
    await world.store.transaction(async (tx) => {
      const [locked] = await tx.lockRooms([room.id]);
      await putPeople(tx, SYSTEM_ACTOR, locked!, [newMember(ada.user, "user")], "keep");
    });
    await messages.edit(cy.actor, room.token, old.seq, { text: "before Ada, edited" });
    await reactions.add(dee.actor, room.token, old.seq, "heart");
    await messages.remove(cy.actor, room.token, older.seq);
    const { seq } = await say(cy, room, "after Ada");
    await messages.edit(cy.actor, room.token, seq, { text: "after Ada, edited" });
    work();
    await receiver.takes(2);
    expect(receiver.taken().map(({ type, payload }) => `${type} ${payload.text}`)).toEqual([
      ...["message.created after Ada, edited", "message.updated after Ada, edited"],
    ]);
  });

  test("one room that is refused does not hold up another", async () => {
    const { receiver, ada, bob } = await setting(["message.created"]);
    const [bad, good] = [await world.group([ada, bob]), await world.group([ada, bob])];
    receiver.answer = ({ payload }) => (payload.roomId === bad.id ? 500 : 200);
    work();
    await say(ada, bad, "stuck");
    for (const text of ["1", "2"]) await say(ada, good, text);
    expect((await receiver.takes(2)).map(({ payload }) => payload.text)).toEqual(["1", "2"]);
  });

  test("nothing is lost while the receiver is away, or while nobody delivers", async () => {
    const { receiver, ada, bob } = await setting(["message.created", "conversation.deleted"]);
    const room = await world.group([ada, bob]);
    const worker = work();
    await say(ada, room, "1");
    await receiver.takes(1);
    await receiver.close();
    await say(ada, room, "2");
    await worker.stop();
    await say(ada, room, "3");
    await world.useCases.roomLifecycle.delete(ada.actor, room.token);
    await receiver.open();
    work();
    await receiver.takes(4);
    const told = receiver.taken().map(({ type, payload }) => `${type} ${payload.text ?? payload.name}`);
    expect(told).toEqual([
      ...["message.created 1", "message.created 2", "message.created 3", "conversation.deleted Group"],
    ]);
  });

  test("several processes share the work: each event comes once and in order", async () => {
    const { receiver, ada, bob } = await setting(["message.created"]);
    const rooms = [await world.group([ada, bob]), await world.group([ada, bob])];
    for (let i = 0; i < 3; i++) work();
    for (let i = 0; i < 20; i++) await Promise.all(rooms.map((room) => say(ada, room, String(i))));
    const taken = await receiver.takes(40);
    const expected = Array.from({ length: 20 }, (_, i) => String(i));
    for (const { id } of rooms) {
      const texts = taken.filter(({ payload }) => payload.roomId === id).map(({ payload }) => payload.text);
      expect(texts).toEqual(expected);
    }
    expect(receiver.received).toHaveLength(40);
  });

  test("hear nothing from before they were registered, and nothing of other organizations", async () => {
    const organization = await world.organization();
    const ada = await world.person("Ada", organization);
    const room = await world.group([ada]);
    await say(ada, room, "before");
    const { receiver, ada: other, bob } = await setting(["message.created"]);
    const foreign = await world.group([other, bob]);
    work();
    await say(ada, room, "of another organization");
    await say(other, foreign, "mine");
    const taken = await receiver.takes(1);
    expect(taken.map(({ payload }) => payload.text)).toEqual(["mine"]);
  });

  test("hear of a room from the moment on when one of the organization came in, until the last of them left", async () => {
    const { receiver, ada, bob } = await setting(["message.created", "group.updated"]);
    const eve = await world.person("Eve");
    const room = await world.group([eve]);
    await say(eve, room, "early");
    const { roomLifecycle } = world.useCases;
    const system = { kind: "system" as const, id: "causeway", name: "Causeway" };
    work();
    await roomLifecycle.addMembers(system, room.token, [{ member: ada.actor, role: "user" }]);
    await say(eve, room, "seen");
    await receiver.takes(2);
    await roomLifecycle.removeMember(eve.actor, room.token, ada.actor);
    await say(eve, room, "unseen");
    await receiver.takes(3);
    const marker = await world.group([ada, bob]);
    await say(ada, marker, "marker");
    await receiver.takes(4);
    expect(receiver.taken().map(({ type, payload }) => `${type} ${payload.text ?? ""}`.trim())).toEqual([
      ...["group.updated", "message.created seen", "group.updated", "message.created marker"],
    ]);
  });

  test("contacts and files are told too", async () => {
    const { receiver, ada, bob } = await setting([
      ...(["contact.created", "contact.updated", "contact.deleted"] as const),
      ...(["attachment.created", "attachment.updated", "attachment.deleted"] as const),
    ]);
    work();
    const { contacts, attachments, messages } = world.another({ files: memoryFiles() });
    await contacts.add(ada.actor, { name: bob.user.handle });
    await contacts.rename(ada.actor, bob.user.publicId, "Bobby");
    await contacts.delete(ada.actor, bob.user.publicId);
    const file = await attachments.upload(ada.actor, {
      filename: "a.txt",
      content: new Blob(["a"]).stream(),
    });
    const room = await world.group([ada, bob]);
    const { seq } = await messages.send(ada.actor, room.token, message("x", { attachments: [file.id] }));
    await receiver.takes(5);
    await messages.remove(ada.actor, room.token, seq);
    const taken = await receiver.takes(6);
    const told = (prefix: string) =>
      taken.filter(({ type }) => type.startsWith(prefix)).map(({ type, payload }) => ({ type, ...payload }));
    expect(told("contact")).toEqual([
      { type: "contact.created", viewer: "Ada", contact: "Bob", as: null },
      { type: "contact.updated", viewer: "Ada", contact: "Bob", as: "Bobby" },
      { type: "contact.deleted", viewer: "Ada", contact: "Bob", as: "Bobby" },
    ]);
    // A file that is in no room yet has a lane of its own.
    expect(new Set(told("attachment"))).toEqual(
      new Set([
        { type: "attachment.created", viewer: "Ada", id: file.id, seq: null },
        { type: "attachment.updated", viewer: "Ada", id: file.id, seq },
        { type: "attachment.deleted", viewer: "Ada", id: file.id, seq },
      ]),
    );
  });

  test("a deleted webhook hears nothing more, and what waited for it is gone", async () => {
    const { receiver, webhook, ada, bob } = await setting(["message.created"]);
    receiver.answer = () => 500;
    const worker = work();
    const room = await world.group([ada, bob]);
    await say(ada, room, "1");
    await expect.poll(() => receiver.received.length).toBeGreaterThan(0);
    await world.useCases.webhooks.delete(webhook.id);
    await worker.stop();
    const lanes = await world.store.webhooks.claim(100, 1_000, []);
    expect(lanes.filter(({ webhookId }) => webhookId === webhook.id)).toEqual([]);
  });
});
