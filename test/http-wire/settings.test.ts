/** What a conversation is set to, and what its members set for themselves (reference §A.4). */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSite, type Site } from "../http/real-parts.ts";
import { describeWith } from "../services/need.ts";
import { addConversation, addTeam, empty, event, refused, type WirePerson } from "./site.ts";

const NOT_THERE = refused(404, "no-conversation", "Conversation not found");

describeWith("postgres", "Wire settings", ({ postgres }) => {
  let site: Site;
  let ada: WirePerson;
  let bob: WirePerson;
  let cy: WirePerson;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    [ada, bob, cy] = (await addTeam(site, 3)).people as [WirePerson, WirePerson, WirePerson];
  });
  afterAll(() => site?.close());
  const newsOf = async (who: WirePerson, id: string): Promise<{ type: string }[]> => {
    const { notifications } = (await who.call("GET", "/notifications?size=10000")).json;
    const all = notifications.flatMap(({ payload }: { payload: { conversation: string }[] }) => payload);
    return all.filter(({ conversation }: { conversation: string }) => conversation === id);
  };

  describe("renaming", () => {
    test.each(["", "/name"])(
      "[A.1] PUT /conversations/:cnv%s answers conversation.rename",
      async (suffix) => {
        const id = await addConversation([ada, bob]);
        const answer = await bob.call("PUT", `/conversations/${id}${suffix}`, { name: "The C-Team" });
        expect(answer).toMatchObject({
          status: 200,
          json: event("conversation.rename", id, bob.uuid, { name: "The C-Team" }),
        });
        expect((await ada.call("GET", `/conversations/${id}`)).json.name).toBe("The C-Team");
      },
    );

    test("[A.4] to the name that it has is 200 as well, without news for anybody", async () => {
      const id = await addConversation([ada, bob]);
      for (const isLogged of [true, false]) {
        const answer = await ada.call("PUT", `/conversations/${id}`, { name: "Same" });
        expect(answer.status).toBe(200);
        expect(answer.json).toEqual(event("conversation.rename", id, ada.uuid, { name: "Same" }, isLogged));
      }
      expect((await newsOf(bob, id)).map(({ type }) => type)).toEqual([
        ...["conversation.create", "conversation.rename"],
      ]);
    });

    test("[A.4] 1 to 256 characters of any script, else 400 client-error", async () => {
      const id = await addConversation([ada]);
      for (const name of ["x", "ن".repeat(256), "🦊".repeat(256)])
        expect(await ada.call("PUT", `/conversations/${id}/name`, { name })).toMatchObject({
          status: 200,
          json: { data: { name } },
        });
      for (const name of ["", "x".repeat(257), 5, null])
        expect(await ada.call("PUT", `/conversations/${id}`, { name })).toMatchObject(
          refused(400, "client-error"),
        );
      expect(await ada.call("PUT", `/conversations/${id}`, {})).toMatchObject(refused(400, "client-error"));
    });

    test("[A.7.14] of what is not there, or not the caller's, is 404 no-conversation", async () => {
      const id = await addConversation([ada]);
      for (const wrong of [randomUUID(), id])
        for (const suffix of ["", "/name"])
          expect(await bob.call("PUT", `/conversations/${wrong}${suffix}`, { name: "x" })).toMatchObject(
            NOT_THERE,
          );
    });
  });

  describe("receipt mode", () => {
    test("[A.7.9] the same value again is 204 and no event", async () => {
      const id = await addConversation([ada, bob]);
      const set = (receipt_mode: unknown) =>
        ada.call("PUT", `/conversations/${id}/receipt-mode`, { receipt_mode });
      expect(await set(2)).toMatchObject({
        status: 200,
        json: event("conversation.receipt-mode-update", id, ada.uuid, { receipt_mode: 2 }),
      });
      expect(await set(2)).toMatchObject(empty(204));
      expect((await ada.call("GET", `/conversations/${id}`)).json.receipt_mode).toBe(2);
      expect((await newsOf(bob, id)).map(({ type }) => type)).toEqual([
        ...["conversation.create", "conversation.receipt-mode-update"],
      ]);
    });

    test("[A.4] 0 is not the same as never set", async () => {
      const id = await addConversation([ada]);
      const set = () => ada.call("PUT", `/conversations/${id}/receipt-mode`, { receipt_mode: 0 });
      expect(await set()).toMatchObject({ status: 200, json: { data: { receipt_mode: 0 } } });
      expect(await set()).toMatchObject(empty(204));
      expect((await ada.call("GET", `/conversations/${id}`)).json.receipt_mode).toBe(0);
    });

    test("[A.4] takes a 32-bit integer, from members only", async () => {
      const id = await addConversation([ada]);
      const path = `/conversations/${id}/receipt-mode`;
      for (const receipt_mode of [null, "1", 1.5, 2_147_483_648])
        expect(await ada.call("PUT", path, { receipt_mode })).toMatchObject(refused(400, "bad-request"));
      expect(await bob.call("PUT", path, { receipt_mode: 1 })).toMatchObject(NOT_THERE);
    });
  });

  describe("message timer", () => {
    const timer = (who: WirePerson, id: string, message_timer: unknown) =>
      who.call("PUT", `/conversations/${id}/message-timer`, { message_timer });

    test("[A.4] is milliseconds, set, changed and taken away, each with its event", async () => {
      const id = await addConversation([ada, bob]);
      for (const message_timer of [1_000, 86_400_000, 0, null])
        expect(await timer(ada, id, message_timer)).toMatchObject({
          status: 200,
          json: event("conversation.message-timer-update", id, ada.uuid, { message_timer }),
        });
      expect((await newsOf(bob, id)).map(({ type }) => type)).toEqual([
        "conversation.create",
        ...Array.from({ length: 4 }, () => "conversation.message-timer-update"),
      ]);
    });

    test("[A.7.10] null to null is 204, in a one-to-one it is 403 invalid-op", async () => {
      const id = await addConversation([ada]);
      expect(await timer(ada, id, null)).toMatchObject(empty(204));
      expect(await ada.call("PUT", `/conversations/${id}/message-timer`, {})).toMatchObject(empty(204));
      const pair = await ada.call("POST", "/conversations/one2one", { users: [bob.uuid] });
      expect(await timer(ada, pair.json.id, 1_000)).toMatchObject(
        refused(403, "invalid-op", "invalid operation for 1:1 conversations"),
      );
    });

    test("[A.4] negatives count as 0; others are 400, strangers 404", async () => {
      const id = await addConversation([ada]);
      expect(await timer(ada, id, -1)).toMatchObject({ status: 200, json: { data: { message_timer: 0 } } });
      for (const wrong of ["1", 1.5, 1e300])
        expect(await timer(ada, id, wrong)).toMatchObject(refused(400, "bad-request"));
      expect(await timer(bob, id, 5)).toMatchObject(NOT_THERE);
    });

    test("[A.4] messages are gone after it, for everybody", async () => {
      const id = await addConversation([ada, bob], { message_timer: 1 });
      const token = (await site.store.rooms.locate({ uuid: id }, "u:0"))?.room.token ?? "";
      const actor = { kind: "user" as const, id: String(ada.id), name: ada.displayName };
      const { seq } = await site.useCases.messages.send(actor, token, { id: "one", text: "read me soon" });
      await site.useCases.timeline.sweep(Date.now() + 60_000);
      const { events } = await site.useCases.messages.history(actor, token, { limit: 10 });
      expect(JSON.parse(events.find((one) => one.seq === seq)?.dataJson ?? "")).toMatchObject({
        deleted: true,
      });
      expect(events.at(-1)).toMatchObject({ type: "message.deleted" });
    });
  });

  describe("access", () => {
    test("[A.5] changes with conversation.access-update, and is 204 when it was so", async () => {
      const id = await addConversation([ada, bob]);
      const set = (body: object, who = ada) => who.call("PUT", `/conversations/${id}/access`, body);
      const [first, second] = [
        { access: ["invite", "link"], access_role: "non_activated" },
        { access: ["invite", "link"], access_role: "activated" },
      ];
      for (const body of [first, second])
        expect(await set(body)).toMatchObject({
          status: 200,
          json: event("conversation.access-update", id, ada.uuid, body),
        });
      expect(await set(second)).toMatchObject(empty(204));
      expect((await ada.call("GET", `/conversations/${id}`)).json).toMatchObject(second);
      const told = (await newsOf(bob, id)).filter(({ type }) => type === "conversation.access-update");
      expect(told).toMatchObject([{ data: first }, { data: second }]);
      expect(await set({ access: ["open"], access_role: "team" })).toMatchObject(refused(400, "bad-request"));
      expect(await set({ access: ["invite"] })).toMatchObject(refused(400, "bad-request"));
      expect(await set(first, cy)).toMatchObject(NOT_THERE);
    });
  });

  test.each([
    ["receipt-mode", "receipt_mode", { receipt_mode: 1 }],
    ["message-timer", "message_timer", { message_timer: 1_000 }],
    ["access", "access", { access: ["invite"], access_role: "team" }],
  ])(
    "[A.4] %s is 403 action-denied for a wire_member, who is told what is missing",
    async (path, action, body) => {
      const id = await addConversation([ada, bob], { conversation_role: "wire_member" });
      expect(await bob.call("PUT", `/conversations/${id}/${path}`, body)).toMatchObject(
        refused(403, "action-denied", `Insufficient authorization (missing modify_conversation_${action})`),
      );
    },
  );

  test("[A.4] access and message timer are 403 invalid-op in one-to-one and self conversations", async () => {
    const self = await ada.call("POST", "/conversations/self");
    const pair = await ada.call("POST", "/conversations/one2one", { users: [bob.uuid] });
    for (const { json } of [self, pair])
      for (const [path, body] of [
        ["access", { access: ["invite", "code"], access_role: "activated" }],
        ["message-timer", { message_timer: 1_000 }],
      ] as const)
        expect(await ada.call("PUT", `/conversations/${json.id}/${path}`, body), path).toMatchObject(
          refused(403, "invalid-op"),
        );
  });

  describe("a member's own settings", () => {
    test("[A.4] are set one by one, seen by the member alone, and in GET …/self", async () => {
      const id = await addConversation([ada, bob]);
      const path = `/conversations/${id}/self`;
      const wanted = {
        ...{ otr_muted_status: 3, otr_muted_ref: "m", otr_archived: true },
        ...{ otr_archived_ref: "a", hidden: true, hidden_ref: "h" },
      };
      for (const [key, value] of Object.entries(wanted))
        expect(await bob.call("PUT", path, { [key]: value })).toMatchObject(empty(200));
      const member = await bob.call("GET", path);
      expect(member).toMatchObject({
        status: 200,
        json: { id: bob.uuid, conversation_role: "wire_admin", service: null, status: 0, ...wanted },
      });
      expect((await bob.call("GET", `/conversations/${id}`)).json.members.self).toEqual(member.json);
      expect((await ada.call("GET", path)).json).toMatchObject({ otr_archived: false, hidden: false });
      expect((await newsOf(ada, id)).map(({ type }) => type)).toEqual(["conversation.create"]);
      await bob.call("PUT", path, { otr_archived: false, hidden: false, otr_muted_status: 0 });
      expect((await bob.call("GET", path)).json).toMatchObject({
        ...{ otr_archived: false, hidden: false, otr_muted_status: 0, otr_muted_ref: "m" },
      });
    });

    test("[A.4] none given is 400, and so is what they can't be; strangers are 404", async () => {
      const id = await addConversation([ada]);
      const path = `/conversations/${id}/self`;
      for (const body of [
        ...[{}, { nothing: 1 }, { hidden: null }, { otr_muted_status: "1" }, { hidden: "yes" }],
        ...[{ otr_muted_ref: "x".repeat(257) }, { otr_archived: 1 }],
      ])
        expect(await ada.call("PUT", path, body), JSON.stringify(body)).toMatchObject(
          refused(400, "bad-request"),
        );
      expect(await bob.call("PUT", path, { hidden: true })).toMatchObject(NOT_THERE);
      expect(await bob.call("GET", path)).toMatchObject(NOT_THERE);
    });
  });

  describe("typing", () => {
    test("[A.4] is 200 and empty for members, 404 for others, 400 for other words", async () => {
      const id = await addConversation([ada]);
      const path = `/conversations/${id}/typing`;
      for (const status of ["started", "stopped"])
        expect(await ada.call("POST", path, { status })).toMatchObject(empty(200));
      expect(await bob.call("POST", path, { status: "started" })).toMatchObject(NOT_THERE);
      expect(await ada.call("POST", path, { status: "maybe" })).toMatchObject(refused(400, "bad-request"));
    });
  });
});
