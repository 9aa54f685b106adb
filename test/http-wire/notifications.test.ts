/** What happened while a client was away: /notifications (reference §A.5). */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JournalPlace } from "../../src/domain/model.ts";
import { notificationId, notificationPlace } from "../../src/http/wire/shapes/notification-ids.ts";
import { openSite, type Site } from "../http/real-parts.ts";
import { describeWith } from "../services/need.ts";
import {
  addConversation,
  addLoner,
  addTeam,
  connect,
  DOMAIN,
  event,
  holdRename,
  joinData,
  leaveData,
  NIL,
  refused,
  TIME,
  UUID,
  type WirePerson,
} from "./site.ts";

interface Kept {
  id: string;
  payload: {
    type: string;
    conversation: string;
    from: string;
    data: unknown;
    connection?: { status: string };
  }[];
}

describeWith("postgres", "/notifications", ({ postgres }) => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(postgres.url);
  });
  afterAll(() => site?.close());
  const team = async (size: number) => {
    const { org, people } = await addTeam(site, size);
    return { teamid: org.uuid, people: people as [WirePerson, WirePerson, WirePerson] };
  };
  const read = async (who: WirePerson, query = ""): Promise<Kept[]> =>
    (await who.call("GET", `/notifications${query}`)).json.notifications;
  const types = (kept: readonly Kept[]) => kept.flatMap(({ payload }) => payload.map(({ type }) => type));

  test("[A.5] is what happened, oldest first, with ids, has_more and the server's time", async () => {
    const { people } = await team(2);
    const [ada, bob] = people;
    const id = await addConversation([ada, bob], { name: "One" });
    await bob.call("PUT", `/conversations/${id}`, { name: "Two" });
    const answer = await ada.call("GET", "/notifications?client=1&size=100");
    expect(answer).toMatchObject({
      status: 200,
      json: { has_more: false, time: expect.stringMatching(TIME), notifications: [{}, {}] },
    });
    for (const { id: one } of answer.json.notifications) expect(one).toMatch(UUID);
    expect(answer.json.notifications.map(({ payload }: Kept) => payload)).toEqual([
      [event("conversation.create", id, ada.uuid, (await ada.call("GET", `/conversations/${id}`)).json)],
      [event("conversation.rename", id, bob.uuid, { name: "Two" })],
    ]);
  });

  test("[A.5] since is exclusive, and size cuts pages that fit together", async () => {
    const { people } = await team(2);
    const [ada, bob] = people;
    const [one, two] = [await addConversation([ada, bob]), await addConversation([bob, ada])];
    for (let n = 0; n < 5; n++)
      for (const id of [one, two]) await ada.call("PUT", `/conversations/${id}`, { name: `Name ${n}` });
    const all = await read(bob);
    expect(all).toHaveLength(12);
    for (const size of [1, 5, 12]) {
      const pages: Kept[] = [];
      for (let since = ""; ; since = `&since=${pages.at(-1)?.id}`) {
        const { json } = await bob.call("GET", `/notifications?size=${size}${since}`);
        pages.push(...json.notifications);
        if (!json.has_more) break;
      }
      expect(pages).toEqual(all);
    }
    expect(await read(bob, `?since=${all.at(-1)?.id}`)).toEqual([]);
  });

  test("[A.5] who is added later hears from then on, with all who were added at once", async () => {
    const { people } = await team(3);
    const [ada, bob, cy] = people;
    const id = await addConversation([ada]);
    await ada.call("PUT", `/conversations/${id}`, { name: "Before" });
    await ada.call("POST", `/conversations/${id}/members`, { users: [cy.uuid, bob.uuid] });
    await ada.call("PUT", `/conversations/${id}`, { name: "After" });
    const told = [
      [event("conversation.member-join", id, ada.uuid, joinData([cy, bob]))],
      [event("conversation.rename", id, ada.uuid, { name: "After" })],
    ];
    for (const who of [bob, cy]) expect((await read(who)).map(({ payload }) => payload)).toEqual(told);
  });

  test("[A.5] who was removed hears up to that, again after coming back, and not in between", async () => {
    const { people } = await team(2);
    const [ada, bob] = people;
    const id = await addConversation([ada, bob]);
    const rename = (name: string) => ada.call("PUT", `/conversations/${id}`, { name });
    await rename("with Bob");
    await ada.call("DELETE", `/conversations/${id}/members/${bob.uuid}`);
    await rename("without Bob");
    expect(types(await read(bob))).toEqual(["conversation.rename", "conversation.member-leave"]);
    expect((await read(bob)).at(-1)?.payload).toEqual([
      event("conversation.member-leave", id, ada.uuid, leaveData(bob)),
    ]);
    await ada.call("POST", `/conversations/${id}/members`, { users: [bob.uuid] });
    await rename("with Bob again");
    const told = (await read(bob)).flatMap(({ payload }) => payload);
    expect(told.map(({ type, data }) => [type, (data as { name?: string }).name])).toEqual([
      ["conversation.create", "with Bob again"],
      ["conversation.rename", "with Bob"],
      ["conversation.member-leave", undefined],
      ["conversation.member-join", undefined],
      ["conversation.rename", "with Bob again"],
    ]);
  });

  test("[A.5] what is committed late, with an earlier time, is not missed", async () => {
    const { people } = await team(2);
    const [ada, bob] = people;
    const [slow, fast] = [await addConversation([ada, bob]), await addConversation([ada, bob])];
    const since = (await read(bob)).at(-1)?.id;
    const held = await holdRename(site, slow, ada, "Slow");
    await ada.call("PUT", `/conversations/${fast}`, { name: "Fast" });
    const early = await read(bob, `?since=${since}`);
    expect(early).toEqual([]);
    await held.commit();
    const told = await read(bob, `?since=${early.at(-1)?.id ?? since}`);
    expect(told.map(({ payload: [one] }) => one?.data)).toEqual([{ name: "Slow" }, { name: "Fast" }]);
  });

  test("[A.5] conversation.delete outlives the conversation and its log", async () => {
    const { teamid, people } = await team(2);
    const [ada, bob] = people;
    const id = await addConversation([ada, bob], { team: { teamid } });
    const [created] = await read(bob);
    const before = await site.store.rooms.locate({ uuid: id }, "u:0");
    await ada.call("DELETE", `/teams/${teamid}/conversations/${id}`);
    const last = event("conversation.delete", id, ada.uuid, null);
    const [told] = await read(bob, `?since=${created?.id}`);
    expect(told?.payload).toEqual([last]);
    await site.store.sql`delete from events where conversation_id = ${before?.room.id ?? 0}`;
    const later = await openSite(postgres.url);
    const headers = { Authorization: `Bearer ${bob.auth["Personal-Access-Token"]}` };
    const { json } = await later.client("GET", `/notifications?since=${created?.id}`, { headers });
    await later.close();
    expect(json.notifications).toEqual([told]);
  });

  test("who leaves by themselves is from themselves, and several who leave at once are one notification", async () => {
    const { people } = await team(3);
    const [ada, bob, cy] = people;
    const id = await addConversation([ada, bob, cy]);
    await bob.call("DELETE", `/conversations/${id}/members/${bob.uuid}`);
    expect((await read(bob)).at(-1)?.payload).toEqual([
      event("conversation.member-leave", id, bob.uuid, leaveData(bob)),
    ]);
    const token = (await site.store.rooms.locate({ uuid: id }, "u:0"))?.room.token ?? "";
    await ada.call("POST", `/conversations/${id}/members`, { users: [bob.uuid] });
    const actor = { kind: "user" as const, id: String(ada.id), name: ada.displayName };
    await site.useCases.roomSettings.update(actor, token, { members: [] });
    const left = (await read(ada)).at(-1)?.payload ?? [];
    expect(left).toEqual([event("conversation.member-leave", id, ada.uuid, expect.anything())]);
    const [data] = left.map((one) => one.data) as [{ user_ids: string[] }];
    expect(data.user_ids.sort()).toEqual([bob.uuid, cy.uuid].sort());
  });

  test("[A.5] a place of a log that was lost with a restore is 404; all that is kept is there without since", async () => {
    const [ada] = (await team(1)).people;
    await addConversation([ada]);
    await addConversation([ada]);
    const all = await read(ada);
    const last = all.at(-1)?.id as string;
    const place = notificationPlace(last) as JournalPlace;
    const lost = [
      { ...place, at: place.at - 1 },
      { ...place, at: place.at + 1, seq: place.seq + 5 },
      { ...place, roomId: place.roomId + 1_000_000 },
    ];
    for (const each of lost) {
      const answer = await ada.call("GET", `/notifications?since=${notificationId(each)}`);
      expect(answer, JSON.stringify(each)).toMatchObject(refused(404, "not-found"));
    }
    expect(await read(ada, `?since=${last}`)).toEqual([]);
    expect(await read(ada)).toEqual(all);
  });

  test("a deleted user still goes by their UUID", async () => {
    const { people } = await team(2);
    const [ada, bob] = people;
    const id = await addConversation([ada, bob]);
    await site.useCases.directory.deleteUser(bob.id);
    const later = await openSite(postgres.url);
    const headers = { Authorization: `Bearer ${ada.auth["Personal-Access-Token"]}` };
    const { json } = await later.client("GET", "/notifications", { headers });
    await later.close();
    expect(json.notifications.at(-1).payload[0]).toMatchObject({
      type: "conversation.member-leave",
      conversation: id,
      data: { user_ids: [bob.uuid] },
    });
  });

  test("[A.5] what no user did is from the nil UUID", async () => {
    const { org, people } = await addTeam(site, 1);
    const member = people[0] as WirePerson;
    const made = await site.client("POST", "/api/v1/chat/chatrooms", {
      headers: org.auth,
      json: { organizationID: org.id, name: "Board", assignedUsers: [member.id] },
    });
    const room = await site.store.rooms.byId(made.json.id);
    expect((await read(member)).flatMap(({ payload }) => payload)).toEqual([
      event("conversation.create", room?.uuid ?? "", NIL, expect.objectContaining({ creator: NIL })),
    ]);
  });

  test("[A.5] user.connection tells each side how it stands to the other, beside the conversation", async () => {
    const [ada, bob] = [await addLoner(site), await addLoner(site)];
    const asked = await ada.call("POST", "/connections", { user: bob.uuid, name: "Hi", message: "It's me" });
    const { conversation } = asked.json;
    const told = [...(await read(ada)), ...(await read(bob))].flatMap(({ payload }) => payload);
    const shown = { from: ada.uuid, to: bob.uuid, qualified_to: { id: bob.uuid, domain: DOMAIN } };
    const request = {
      ...{ recipient: bob.uuid, qualified_recipient: { id: bob.uuid, domain: DOMAIN } },
      ...{ name: bob.displayName, message: "It's me", email: null },
    };
    expect(told).toHaveLength(4);
    expect(told).toEqual(
      expect.arrayContaining([
        { type: "user.connection", connection: asked.json, user: { name: bob.displayName } },
        event("conversation.create", conversation, ada.uuid, expect.objectContaining({ type: 3 })),
        event("conversation.connect-request", conversation, ada.uuid, request),
        {
          type: "user.connection",
          connection: (await bob.call("GET", `/connections/${ada.uuid}`)).json,
          user: { name: ada.displayName },
        },
      ]),
    );
    expect(asked.json).toMatchObject({ ...shown, status: "sent", message: "It's me" });
  });

  test("[A.5] of a connection the latest change is kept, in the order of the ids", async () => {
    const [ada, bob] = [await addLoner(site), await addLoner(site)];
    const status = ({ payload: [one] }: Kept) => one?.connection?.status ?? one?.type;
    let since = "";
    const later = async (who: WirePerson) => {
      const told = await read(who, since && `?since=${since}`);
      since = told.at(-1)?.id ?? since;
      return told.map(status);
    };
    await connect(ada, bob);
    expect((await later(ada)).toSorted()).toEqual([
      "accepted",
      "conversation.create",
      "conversation.member-join",
    ]);
    for (const [next, mine] of [
      ["blocked", []],
      ["accepted", ["accepted"]],
    ] as const) {
      await bob.call("PUT", `/connections/${ada.uuid}`, { status: next });
      expect(await later(ada), next).toEqual(mine);
      expect((await read(bob)).map(status)).toContain(next);
    }
    await ada.call("PUT", `/connections/${bob.uuid}`, { status: "blocked" });
    expect(await later(ada)).toEqual(["blocked"]);
    expect(await later(ada)).toEqual([]);
  });

  test("[A.5] a page with more after it is not empty, whatever Wire does not tell", async () => {
    const { people } = await team(2);
    const [ada, bob] = people;
    const id = await addConversation([ada, bob]);
    const token = (await site.store.rooms.locate({ uuid: id }, "u:0"))?.room.token ?? "";
    const actor = { kind: "user" as const, id: String(ada.id), name: ada.displayName };
    const [created] = await read(bob);
    for (let n = 0; n < 150; n++) await site.useCases.roomSettings.setReadOnly(actor, token, n % 2 === 0);
    await ada.call("PUT", `/conversations/${id}`, { name: "At last" });
    const { json } = await bob.call("GET", `/notifications?size=1&since=${created?.id}`);
    expect(types(json.notifications)).toEqual(["conversation.rename"]);
    expect(json.has_more).toBe(false);
  });

  test("[A.5] /notifications/last is the newest one, whatever Wire does not tell, and 404 before there is any", async () => {
    const { people } = await team(2);
    const [ada, bob] = people;
    expect(await bob.call("GET", "/notifications/last")).toMatchObject(refused(404, "not-found"));
    const id = await addConversation([ada, bob]);
    await ada.call("PUT", `/conversations/${id}`, { name: "Newest" });
    const token = (await site.store.rooms.locate({ uuid: id }, "u:0"))?.room.token ?? "";
    const actor = { kind: "user" as const, id: String(ada.id), name: ada.displayName };
    for (let n = 0; n < 2; n++) await site.useCases.roomSettings.setReadOnly(actor, token, n % 2 === 0);
    const last = await bob.call("GET", "/notifications/last?client=1");
    expect(last).toMatchObject({ status: 200, json: (await read(bob)).at(-1) });
    expect(last.json.payload).toEqual([event("conversation.rename", id, ada.uuid, { name: "Newest" })]);
    expect(await read(bob, `?since=${last.json.id}`)).toEqual([]);
  });

  test("strangers hear nothing, unknown ids are 404, bad ones and bad sizes 400", async () => {
    const { people } = await team(1);
    const [ada] = people;
    const foreign = await addConversation([(await team(1)).people[0]]);
    expect(foreign).toMatch(UUID);
    expect(await read(ada)).toEqual([]);
    expect(await ada.call("GET", `/notifications?since=${randomUUID()}`)).toMatchObject(
      refused(404, "not-found"),
    );
    for (const query of ["since=x", "size=0", "size=10001", "size=x"])
      expect(await ada.call("GET", `/notifications?${query}`), query).toMatchObject(
        refused(400, "bad-request"),
      );
    expect(await site.client("GET", "/notifications")).toMatchObject(refused(401, "invalid-credentials"));
  });
});
