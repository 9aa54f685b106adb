/** Adding, removing, leaving and roles as Wire's clients do them (reference §A.4). */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSite, type Site } from "../http/real-parts.ts";
import { describeWith } from "../services/need.ts";
import {
  addConversation,
  addLoner,
  addTeam,
  connect,
  empty,
  event,
  joinData,
  leaveData,
  refused,
  type WirePerson,
} from "./site.ts";

const NOT_THERE = refused(404, "no-conversation", "Conversation not found");

describeWith("postgres", "Wire members", ({ postgres }) => {
  let site: Site;
  let people: [WirePerson, WirePerson, WirePerson, WirePerson];
  let stranger: WirePerson;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    people = (await addTeam(site, 4)).people as typeof people;
    stranger = await addLoner(site);
  });
  afterAll(() => site?.close());
  const membersOf = (who: WirePerson, id: string) => who.call("GET", `/conversations/${id}`);
  const add = (who: WirePerson, id: string, body: object) =>
    who.call("POST", `/conversations/${id}/members`, body);
  const remove = (who: WirePerson, id: string, usr: string) =>
    who.call("DELETE", `/conversations/${id}/members/${usr}`);

  test("[A.4] adding answers one member-join with only those who were not in it", async () => {
    const [ada, bob, cy, di] = people;
    const id = await addConversation([ada, bob]);
    const answer = await add(ada, id, { users: [bob.uuid, cy.uuid, di.uuid, cy.uuid] });
    expect(answer).toMatchObject({
      status: 200,
      json: event("conversation.member-join", id, ada.uuid, joinData([cy, di])),
    });
    const { others } = (await membersOf(cy, id)).json.members;
    expect(others.map((one: { id: string }) => one.id).sort()).toEqual([ada.uuid, bob.uuid, di.uuid].sort());
  });

  test("[A.7.3] adding those who are in it is 204 with an empty body, and makes no event", async () => {
    const [ada, bob] = people;
    const id = await addConversation([ada, bob]);
    const log = async () => (await ada.call("GET", "/notifications")).json.notifications.length;
    const before = await log();
    expect(await add(ada, id, { users: [bob.uuid] })).toMatchObject(empty(204));
    expect(await add(ada, id, { users: [ada.uuid, bob.uuid] })).toMatchObject(empty(204));
    expect(await log()).toBe(before);
  });

  test("[A.7.4] adding by a non-member is 404, and so is adding to what is not there", async () => {
    const [ada, bob, cy] = people;
    const id = await addConversation([ada]);
    expect(await add(bob, id, { users: [cy.uuid] })).toMatchObject(NOT_THERE);
    expect(await add(bob, randomUUID(), { users: [cy.uuid] })).toMatchObject(NOT_THERE);
  });

  test("[A.4] adding who is not connected is 403, and then nobody was added", async () => {
    const [ada, bob] = people;
    const id = await addConversation([ada]);
    const label = refused(403, "not-connected", "Users are not connected");
    expect(await add(ada, id, { users: [bob.uuid, stranger.uuid] })).toMatchObject(label);
    expect(await add(ada, id, { users: [randomUUID()] })).toMatchObject(label);
    expect((await membersOf(ada, id)).json.members.others).toEqual([]);
    await connect(ada, stranger);
    expect(await add(ada, id, { users: [bob.uuid, stranger.uuid] })).toMatchObject({ status: 200 });
  });

  test("[A.4] an empty list, none at all, bad ids and bad roles are 400", async () => {
    const [ada, bob] = people;
    const id = await addConversation([ada]);
    for (const body of [{ users: [] }, {}, { users: ["x"] }, { users: null }])
      expect(await add(ada, id, body), JSON.stringify(body)).toMatchObject(refused(400, "client-error"));
    const body = { users: [bob.uuid], conversation_role: "king" };
    expect(await add(ada, id, body)).toMatchObject(refused(400, "bad-request"));
  });

  test("[A.4] a conversation has at most 500 members", async () => {
    const [ada, bob] = people;
    const id = await addConversation([ada]);
    const place = await site.store.rooms.locate({ uuid: id }, "u:0");
    const crowd = Array.from({ length: 499 }, (_, n) => ({
      ...{ member: `m:@crowd-${n}:example.org`, userId: null, name: `Crowd ${n}`, role: "user" as const },
    }));
    await site.store.transaction(async (tx) => {
      await tx.lockRooms([place?.room.id ?? 0]);
      await tx.putMembers(place?.room.id ?? 0, crowd);
    });
    expect(await add(ada, id, { users: [bob.uuid] })).toMatchObject(
      refused(403, "too-many-members", "Maximum number of members per conversation reached"),
    );
    expect((await membersOf(ada, id)).json.members.others).toEqual([]);
  });

  test("[A.4] without `invite` in its access, or with a private role, nobody is added: 403 access-denied", async () => {
    const [ada, bob] = people;
    const closed = await addConversation([ada], { access: ["private"] });
    const secret = await addConversation([ada], { access_role: "private" });
    for (const id of [closed, secret])
      expect(await add(ada, id, { users: [bob.uuid] })).toMatchObject(refused(403, "access-denied"));
  });

  test("[A.4] the role of those who are added is wire_admin unless told", async () => {
    const [ada, bob, cy] = people;
    const id = await addConversation([ada]);
    expect((await add(ada, id, { users: [bob.uuid] })).json.data).toEqual(joinData([bob]));
    const member = await add(ada, id, { users: [cy.uuid], conversation_role: "wire_member" });
    expect(member.json.data).toEqual(joinData([cy], "wire_member"));
    expect((await add(bob, id, { users: [people[3].uuid] })).status).toBe(200);
  });

  test("[A.7.5] leaving is 200, leaving again 404, and the conversation is 403 then", async () => {
    const [ada, bob] = people;
    const id = await addConversation([ada, bob]);
    const left = await remove(bob, id, bob.uuid);
    expect(left).toMatchObject({
      status: 200,
      json: event("conversation.member-leave", id, bob.uuid, leaveData(bob)),
    });
    expect(await remove(bob, id, bob.uuid)).toMatchObject(NOT_THERE);
    expect(await membersOf(bob, id)).toMatchObject(refused(403, "access-denied"));
    expect((await membersOf(ada, id)).json.members.others).toEqual([]);
  });

  test("[A.7.6] removing another is 200, again 204, of whoever never was there 204", async () => {
    const [ada, bob] = people;
    const id = await addConversation([ada, bob]);
    expect(await remove(ada, id, bob.uuid)).toMatchObject({
      status: 200,
      json: event("conversation.member-leave", id, ada.uuid, leaveData(bob)),
    });
    expect(await remove(ada, id, bob.uuid)).toMatchObject(empty(204));
    expect(await remove(ada, id, randomUUID())).toMatchObject(empty(204));
    expect(await remove(bob, id, ada.uuid)).toMatchObject(NOT_THERE);
    expect(await remove(ada, randomUUID(), bob.uuid)).toMatchObject(NOT_THERE);
  });

  test("[A.7.11] a wire_member can't add, remove or rename (403 action-denied), but leaves", async () => {
    const [ada, bob, cy, di] = people;
    const id = await addConversation([ada, bob, cy], { conversation_role: "wire_member" });
    const path = `/conversations/${id}`;
    const denied = (action: string) =>
      refused(403, "action-denied", `Insufficient authorization (missing ${action})`);
    expect(await add(bob, id, { users: [di.uuid] })).toMatchObject(denied("add_conversation_member"));
    expect(await add(bob, id, { users: [stranger.uuid] })).toMatchObject(denied("add_conversation_member"));
    expect(await remove(bob, id, cy.uuid)).toMatchObject(denied("remove_conversation_member"));
    expect(await remove(bob, id, randomUUID())).toMatchObject(denied("remove_conversation_member"));
    expect(await bob.call("PUT", path, { name: "Mine" })).toMatchObject(denied("modify_conversation_name"));
    expect(await bob.call("PUT", `${path}/receipt-mode`, { receipt_mode: 1 })).toMatchObject(
      denied("modify_conversation_receipt_mode"),
    );
    expect(await bob.call("PUT", `${path}/message-timer`, { message_timer: 1 })).toMatchObject(
      denied("modify_conversation_message_timer"),
    );
    expect(
      await bob.call("PUT", `${path}/access`, { access: ["invite"], access_role: "team" }),
    ).toMatchObject(denied("modify_conversation_access"));
    expect(
      await bob.call("PUT", `${path}/members/${cy.uuid}`, { conversation_role: "wire_admin" }),
    ).toMatchObject(denied("modify_other_conversation_member"));
    expect(await remove(bob, id, bob.uuid)).toMatchObject({ status: 200 });
  });

  test("[A.4] a member's role changes, with an event for everybody", async () => {
    const [ada, bob, cy] = people;
    const id = await addConversation([ada, bob, cy]);
    const change = (usr: string, role: string) =>
      ada.call("PUT", `/conversations/${id}/members/${usr}`, { conversation_role: role });
    expect(await change(bob.uuid, "wire_member")).toMatchObject(empty(200));
    expect((await bob.call("GET", `/conversations/${id}/self`)).json.conversation_role).toBe("wire_member");
    expect(await bob.call("PUT", `/conversations/${id}`, { name: "x" })).toMatchObject({ status: 403 });
    expect(await change(bob.uuid, "wire_member")).toMatchObject(empty(200));
    const { notifications } = (await cy.call("GET", "/notifications")).json;
    const told = notifications.flatMap(({ payload }: { payload: { type: string }[] }) => payload);
    expect(told.filter(({ type }: { type: string }) => type === "conversation.member-update")).toEqual([
      event("conversation.member-update", id, ada.uuid, {
        target: bob.uuid,
        qualified_target: { id: bob.uuid, domain: "chat.example.org" },
        conversation_role: "wire_member",
      }),
    ]);
    expect(await change(bob.uuid, "wire_admin")).toMatchObject(empty(200));
    expect(await bob.call("PUT", `/conversations/${id}`, { name: "x" })).toMatchObject({ status: 200 });
  });

  test("[A.4] one's own role is 403 invalid-op, a non-member's 404 no-conversation-member, a bad one 400", async () => {
    const [ada, bob, cy] = people;
    const id = await addConversation([ada, bob]);
    const change = (usr: string, body: object, who = ada) =>
      who.call("PUT", `/conversations/${id}/members/${usr}`, body);
    const role = { conversation_role: "wire_member" };
    expect(await change(ada.uuid, role)).toMatchObject(refused(403, "invalid-op"));
    expect(await change(cy.uuid, role)).toMatchObject(refused(404, "no-conversation-member"));
    expect(await change(bob.uuid, {})).toMatchObject(refused(400, "bad-request"));
    expect(await change(bob.uuid, { conversation_role: "king" })).toMatchObject(refused(400, "bad-request"));
    expect(await change(bob.uuid, role, cy)).toMatchObject(NOT_THERE);
    expect(await change("x", role)).toMatchObject(refused(400, "bad-request"));
  });

  test("[A.6] each refusal has Wire's label and text, and its status as the code", async () => {
    const [ada, bob, cy] = people;
    const id = await addConversation([ada, bob], { conversation_role: "wire_member" });
    const pair = (await ada.call("POST", "/conversations/one2one", { users: [bob.uuid] })).json.id;
    const missing = "Insufficient authorization (missing add_conversation_member)";
    const nowhere = { users: [], team: { teamid: randomUUID() } };
    expect(await add(cy, id, { users: [cy.uuid] })).toMatchObject(NOT_THERE);
    expect(await membersOf(cy, id)).toMatchObject(
      refused(403, "access-denied", "Conversation access denied"),
    );
    expect(await add(ada, id, { users: [(await addLoner(site)).uuid] })).toMatchObject(
      refused(403, "not-connected", "Users are not connected"),
    );
    expect(await add(bob, id, { users: [cy.uuid] })).toMatchObject(refused(403, "action-denied", missing));
    expect(await ada.call("POST", "/conversations", nowhere)).toMatchObject(
      refused(403, "no-team-member", "Requesting user is not a team member"),
    );
    expect(await add(ada, pair, { users: [cy.uuid] })).toMatchObject(
      refused(403, "invalid-op", "invalid operation for 1:1 conversations"),
    );
    const role = { conversation_role: "wire_member" };
    expect(await ada.call("PUT", `/conversations/${id}/members/${cy.uuid}`, role)).toMatchObject(
      refused(404, "no-conversation-member", "Conversation member not found"),
    );
  });

  test("guests have no place in Wire's lists, and what they do is from the nil UUID", async () => {
    const [ada] = people;
    const id = await addConversation([ada]);
    const place = await site.store.rooms.locate({ uuid: id }, "u:0");
    const token = place?.room.token ?? "";
    await site.useCases.roomSettings.setPublic({ kind: "user", id: String(ada.id), name: "" }, token, true);
    const secret = site.useCases.guests.newSecret();
    const guest = await site.useCases.guests.actorOf(secret, token);
    await site.useCases.joining.join(guest, token, { secret });
    expect((await membersOf(ada, id)).json.members.others).toEqual([]);
    const { notifications } = (await ada.call("GET", "/notifications?size=10000")).json;
    const told = notifications.flatMap(({ payload }: { payload: { conversation: string }[] }) => payload);
    expect(
      told
        .filter((one: { conversation: string }) => one.conversation === id)
        .map(({ type }: { type: string }) => type),
    ).toEqual(["conversation.create"]);
  });
});
