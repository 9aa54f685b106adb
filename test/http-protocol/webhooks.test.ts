/** [D.3] What webhooks tell is what the Protocol API shows; how it is delivered is tested with src/webhooks. */
import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DomainError } from "../../src/domain/errors.ts";
import { webhookShape } from "../../src/http/protocol/webhook-shape.ts";
import { createTargets } from "../../src/webhooks/targets.ts";
import { startWebhooks, type WebhookWorker } from "../../src/webhooks/worker.ts";
import { PUBLIC_URL } from "../http/real-parts.ts";
import { describeProtocol, ID, type Someone } from "./api.ts";

const SECRET = "a secret of a webhook";

interface Told {
  id: string;
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: payloads of every shape are looked at
  payload: any;
}

describeProtocol("a webhook", (place) => {
  let receiver: Server;
  let worker: WebhookWorker;
  let kate: Someone;
  let hank: Someone;
  const told: Told[] = [];
  const signed: boolean[] = [];
  const waiting: (() => void)[] = [];

  beforeAll(async () => {
    receiver = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      const signature = createHmac("sha256", SECRET).update(body).digest("hex");
      signed.push(request.headers["x-protocol-signature"] === signature);
      told.push(JSON.parse(body.toString()));
      response.end();
      for (const wake of waiting.splice(0)) wake();
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    const org = await place.org();
    [kate, hank] = await Promise.all([place.person(org), place.person(org)]);
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    await place.store.webhooks.create({ organizationId: org.id, url, events: null, secret: SECRET }, 20);
    worker = startWebhooks({
      store: place.store,
      commits: place.store,
      shape: webhookShape({ ...place, publicUrl: () => PUBLIC_URL }),
      targets: createTargets({ allowPrivate: true }),
      logger: { info: () => {}, warn: console.warn, error: console.error },
    });
  });
  afterAll(async () => {
    await worker?.stop();
    receiver?.closeAllConnections();
    receiver?.close();
  });

  /** The payload of the next delivery of this type about this object, which is then forgotten. */
  async function next(type: string, id: string) {
    for (;;) {
      const at = told.findIndex((one) => one.type === type && one.payload.id === id);
      const [found] = at < 0 ? [] : told.splice(at, 1);
      if (found) {
        expect(found).toEqual({ id: ID, type, payload: expect.any(Object) });
        return found.payload;
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }

  test("[D.3] contact.created, updated and deleted hold the contact as its owner sees it", async () => {
    const { json } = await kate.post("/contacts", { username: hank.handle, phone_number: "1-800" });
    const shown = async () => (await kate.get(`/contacts/${json.id}`)).json;
    expect(await next("contact.created", json.id)).toEqual(json);
    expect(await next("conversation.created", json.conversation_id)).toEqual(
      (await kate.get(`/conversations/${json.conversation_id}`)).json,
    );
    await kate.put(`/contacts/${json.id}`, { display_name: "هانك 🚒" });
    const updated = await next("contact.updated", json.id);
    expect(updated).toEqual(await shown());
    await kate.delete(`/contacts/${json.id}`);
    expect(await next("conversation.deleted", json.conversation_id)).toMatchObject({
      contact_id: hank.publicId,
    });
    expect(await next("contact.deleted", json.id)).toMatchObject({
      username: hank.handle,
      display_name: "هانك 🚒",
    });
  });

  test("[D.3] group and conversation events hold both, as the one who acted sees them", async () => {
    const { json } = await kate.post("/groups", { name: "Crew", contacts: [hank.publicId] });
    const group = async () => (await kate.get(`/groups/${json.id}`)).json;
    const conversation = async () => (await kate.get(`/conversations/${json.id}`)).json;
    expect(await next("group.created", json.id)).toEqual(json);
    expect(await next("conversation.created", json.id)).toEqual(await conversation());
    await kate.put(`/groups/${json.id}`, { name: "Team 🚒", avatar_url: "https://a.example/1.png" });
    expect(await next("group.updated", json.id)).toEqual(await group());
    expect(await next("conversation.updated", json.id)).toEqual(await conversation());
    const message = await kate.post("/messages", { conversation_id: json.id, message: "Hello" });
    await next("message.created", message.json.id);
    await kate.put(`/conversations/${json.id}`, { pinned_message_id: message.json.id });
    expect(await next("conversation.updated", json.id)).toEqual(await conversation());
    await kate.put(`/conversations/${json.id}`, { is_muted: true });
    expect(await next("conversation.updated", json.id)).toMatchObject({
      is_muted: true,
      pinned_message_id: message.json.id,
    });
    await kate.put(`/groups/${json.id}`, { contacts: [] });
    expect(await next("group.updated", json.id)).toMatchObject({ name: "Team 🚒", contacts: [] });
    await kate.delete(`/groups/${json.id}`);
    expect(await next("conversation.deleted", json.id)).toMatchObject({ group_id: json.id });
    expect(await next("group.deleted", json.id)).toMatchObject({ name: "Team 🚒", contacts: [] });
  });

  test("[D.3] message and attachment events hold both; of a deleted message only that it was there", async () => {
    const group = (await kate.post("/groups", { name: "Crew", contacts: [hank.publicId] })).json.id;
    const file = (await hank.upload("a.txt", "Hello")).json;
    expect(await next("attachment.created", file.id)).toEqual(file);
    const sent = { conversation_id: group, message: "Look", attachments: [file.id] };
    const { json } = await hank.post("/messages", sent);
    expect(await next("message.created", json.id)).toEqual(json);
    const { room, seq } = json;
    expect(await next("attachment.updated", file.id)).toEqual({ ...file, message_id: json.id, room, seq });
    const renamed = await hank.put(`/attachments/${file.id}`, { filename: "neu.txt" });
    expect(await next("attachment.updated", file.id)).toEqual(renamed.json);
    const { json: shown } = await hank.get(`/messages/${json.id}`);
    expect(await next("message.updated", json.id)).toEqual(shown);
    expect(JSON.stringify(shown.attachments)).toContain("neu.txt");
    const edited = await hank.put(`/messages/${json.id}`, { message: "Look here" });
    expect(await next("message.updated", json.id)).toEqual(edited.json);
    const reacted = await kate.put(`/messages/${json.id}`, { reactions: { ok: [kate.handle] } });
    expect(await next("message.updated", json.id)).toEqual(reacted.json);
    await hank.delete(`/messages/${json.id}`);
    expect(await next("message.deleted", json.id)).toMatchObject({
      conversation_id: group,
      contact: { username: hank.handle },
      message: "",
      reactions: [],
      attachments: [],
    });
    expect(await next("attachment.deleted", file.id)).toMatchObject({
      filename: "",
      message_id: json.id,
    });
  });

  test("[D.3] every delivery was signed with the secret", () => {
    expect(signed.length).toBeGreaterThan(15);
    expect(signed.every((right) => right)).toBe(true);
  });

  test("is told nothing before the server knows where it is reached: it is told later", async () => {
    const shape = webhookShape({ ...place, publicUrl: () => "" });
    const news = { type: "attachment.created" as const, viewer: null, place: null };
    const attachment = { id: "x", filename: "x", type: "x", size: 1, createdAt: 0, room: null };
    const refused = await shape({ ...news, attachment }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(DomainError);
    expect((refused as DomainError).retry).toBe(true);
  });
});
