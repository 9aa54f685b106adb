/** Guest links: a conversation's code, and joining by it or by id (reference §A.4 access, §A.5 code events). */
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
  refused,
  type WirePerson,
} from "./site.ts";

interface Code {
  key: string;
  code: string;
  uri: string;
}

describeWith("postgres", "Wire's guest links", ({ postgres }) => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(postgres.url);
  });
  afterAll(() => site?.close());

  const open = { access: ["invite", "code"], access_role: "activated" };
  /** A conversation with a link, and a member who is no admin. */
  async function linked(more: object = {}) {
    const { org, people } = await addTeam(site, 3);
    const [ada, bob, cy] = people as [WirePerson, WirePerson, WirePerson];
    const body = { ...open, conversation_role: "wire_member", team: { teamid: org.uuid }, ...more };
    const id = await addConversation([ada, bob], body);
    const made = await bob.call("POST", `/conversations/${id}/code`);
    return { id, ada, bob, cy, made, link: made.json?.data as Code };
  }
  const join = (who: WirePerson, { key, code }: Code) =>
    who.call("POST", "/conversations/join", { key, code });
  const noCode = refused(404, "no-conversation-code", "Conversation code not found");
  const told = async (who: WirePerson) =>
    (await who.call("GET", "/notifications")).json.notifications.flatMap(
      ({ payload }: { payload: { type: string; data: unknown }[] }) => payload,
    );

  test("[A.5] any member makes the link: 201 code-update, told to all; again 200 with the same", async () => {
    const { id, ada, bob, made, link } = await linked();
    expect(made.status).toBe(201);
    const update = event("conversation.code-update", id, bob.uuid, {
      key: expect.stringMatching(/^[A-Za-z0-9]{16}$/),
      code: expect.stringMatching(/^[\w-]{20}$/),
      uri: `https://chat.example.org/conversations/join?key=${link.key}&code=${link.code}`,
    });
    expect(made.json).toEqual(update);
    for (const who of [ada, bob]) expect((await told(who)).at(-1)).toEqual(update);
    const again = await ada.call("POST", `/conversations/${id}/code`);
    expect(again).toMatchObject({ status: 200, json: link });
    expect(await ada.call("GET", `/conversations/${id}/code`)).toMatchObject({ status: 200, json: link });
    expect(
      (await told(ada)).filter(({ type }: { type: string }) => type.endsWith("code-update")),
    ).toHaveLength(1);
  });

  test("a link with a password lets nobody in who can't give it", async () => {
    const { id, ada, link } = await linked({ team: undefined });
    const actor = { kind: "user" as const, id: String(ada.id), name: "" };
    const found = await site.useCases.finding.locate(actor, { uuid: id });
    const state = { on: true, password: "sesame" };
    await site.useCases.guestLinks.set(actor, found?.room.token ?? "", state);
    const guest = await addLoner(site);
    expect(await join(guest, link)).toMatchObject(refused(403, "access-denied"));
    await site.useCases.guestLinks.set(actor, found?.room.token ?? "", { ...state, password: null });
    expect((await join(guest, link)).status).toBe(200);
  });

  test("strangers check a link, and see the conversation before they join", async () => {
    const { id, link } = await linked({ name: "Open house" });
    const guest = await addLoner(site);
    const { key, code } = link;
    expect(await site.client("POST", "/conversations/code-check", { json: { key, code } })).toMatchObject(
      empty(200),
    );
    const cover = await guest.call("GET", `/conversations/join?key=${key}&code=${code}`);
    expect(cover).toMatchObject({ status: 200, json: { id, name: "Open house" } });
    for (const wrong of [
      { key, code: `${code.slice(1)}x` },
      { key, code: "" },
      { key: "0123456789abcdef", code },
      { key: "?", code },
    ]) {
      const query = new URLSearchParams(wrong);
      expect(await site.client("POST", "/conversations/code-check", { json: wrong })).toMatchObject(noCode);
      expect(await guest.call("GET", `/conversations/join?${query}`)).toMatchObject(noCode);
      expect(await join(guest, { ...wrong, uri: "" })).toMatchObject(noCode);
    }
    expect(await site.client("POST", "/conversations/code-check", { json: { key } })).toMatchObject(
      refused(400, "bad-request"),
    );
    expect(await site.client("POST", "/conversations/join", { json: { key, code } })).toMatchObject(
      refused(401, "invalid-credentials"),
    );
  });

  test("joining is 200 member-join as a plain member, and 204 for who is in already", async () => {
    const { id, ada, link } = await linked();
    const guest = await addLoner(site);
    const joined = event("conversation.member-join", id, guest.uuid, joinData([guest], "wire_member"));
    expect(await join(guest, link)).toMatchObject({ status: 200, json: joined });
    expect((await told(ada)).at(-1)).toEqual(joined);
    expect(await join(guest, link)).toMatchObject(empty(204));
    const { members } = (await guest.call("GET", `/conversations/${id}`)).json;
    expect(members.self.conversation_role).toBe("wire_member");
    expect(members.others).toHaveLength(2);
  });

  test("[A.5] taking the link away is 200 code-delete, told to all, and it opens nothing any more", async () => {
    const { id, ada, bob, link } = await linked();
    const guest = await addLoner(site);
    const gone = event("conversation.code-delete", id, bob.uuid, null);
    expect(await bob.call("DELETE", `/conversations/${id}/code`)).toMatchObject({ status: 200, json: gone });
    expect((await told(ada)).slice(-1)).toEqual([gone]);
    expect(await join(guest, link)).toMatchObject(noCode);
    expect(await ada.call("GET", `/conversations/${id}/code`)).toMatchObject(noCode);
    expect((await bob.call("DELETE", `/conversations/${id}/code`)).status).toBe(200);
    expect(
      (await told(ada)).filter(({ type }: { type: string }) => type.endsWith("code-delete")),
    ).toHaveLength(1);
    const next = (await ada.call("POST", `/conversations/${id}/code`)).json.data;
    expect(next.key).toBe(link.key);
    expect(next.code).not.toBe(link.code);
    expect(await join(guest, link)).toMatchObject(noCode);
    expect(await join(guest, next)).toMatchObject({ status: 200 });
  });

  test("[A.5] an access without code takes the link away, with both events", async () => {
    const { id, ada, bob, link } = await linked();
    const closed = { access: ["invite"], access_role: "activated" };
    expect(await ada.call("PUT", `/conversations/${id}/access`, closed)).toMatchObject({
      status: 200,
      json: event("conversation.access-update", id, ada.uuid, closed),
    });
    expect((await told(bob)).slice(-2)).toEqual([
      event("conversation.code-delete", id, ada.uuid, null),
      event("conversation.access-update", id, ada.uuid, closed),
    ]);
    const denied = refused(403, "access-denied");
    for (const method of ["GET", "POST", "DELETE"])
      expect(await ada.call(method, `/conversations/${id}/code`), method).toMatchObject(denied);
    await ada.call("PUT", `/conversations/${id}/access`, open);
    expect(await join(await addLoner(site), link)).toMatchObject(noCode);
  });

  test("the access role holds for who comes by a link", async () => {
    const { id, ada, cy, link } = await linked();
    const guest = await addLoner(site);
    const role = (access_role: string) =>
      ada.call("PUT", `/conversations/${id}/access`, { access: ["invite", "code"], access_role });
    await role("team");
    expect(await join(guest, link)).toMatchObject(refused(403, "no-team-member"));
    expect(await guest.call("GET", `/conversations/join?key=${link.key}&code=${link.code}`)).toMatchObject(
      refused(403, "no-team-member"),
    );
    expect(await join(cy, link)).toMatchObject({ status: 200 });
    await role("private");
    expect(await join(guest, link)).toMatchObject(refused(403, "access-denied"));
    await role("non_activated");
    expect(await join(guest, link)).toMatchObject({ status: 200 });
  });

  test("an access with link lets whoever knows the id in, and none other", async () => {
    const { id, ada } = await linked();
    const guest = await addLoner(site);
    const path = `/conversations/${id}/join`;
    expect(await guest.call("POST", path)).toMatchObject(refused(403, "access-denied"));
    await ada.call("PUT", `/conversations/${id}/access`, { access: ["link"], access_role: "activated" });
    expect(await guest.call("POST", path)).toMatchObject({
      status: 200,
      json: event("conversation.member-join", id, guest.uuid, joinData([guest], "wire_member")),
    });
    expect(await guest.call("POST", path)).toMatchObject(empty(204));
    expect(await guest.call("POST", `/conversations/${guest.uuid}/join`)).toMatchObject(
      refused(404, "no-conversation"),
    );
  });

  test("the code is for members alone, and never in the log", async () => {
    const { id, link } = await linked();
    const stranger = await addLoner(site);
    for (const method of ["GET", "POST", "DELETE"])
      expect(await stranger.call(method, `/conversations/${id}/code`), method).toMatchObject(
        refused(404, "no-conversation"),
      );
    const found = await site.store.rooms.locate({ uuid: id }, "u:0");
    const log = await site.store.log.range(found?.room.id ?? 0, 0, 100, 100);
    expect(log.at(-1)).toMatchObject({ type: "room.changed", dataJson: '{"guestLink":true}' });
    expect(JSON.stringify(log)).not.toContain(link.code);
  });

  test("one-to-one conversations have none: 403 invalid-op", async () => {
    const [dan, eve] = [await addLoner(site), await addLoner(site)];
    await connect(dan, eve);
    const { conversation } = (await dan.call("GET", `/connections/${eve.uuid}`)).json;
    for (const method of ["GET", "POST", "DELETE"])
      expect(await dan.call(method, `/conversations/${conversation}/code`), method).toMatchObject(
        refused(403, "invalid-op"),
      );
  });

  test("a conversation of 500 is full: 403 too-many-members", async () => {
    const { id, link } = await linked();
    const room = (await site.store.rooms.locate({ uuid: id }, "u:0"))?.room;
    await site.store.sql`
      insert into memberships (conversation_id, member, user_id, name, role, joined_seq, history_from, read_seq, read_messages)
      select ${room?.id ?? 0}, 'm:@' || n || ':elsewhere', null, 'n', 'user', 1, 0, 0, 0 from generate_series(1, 498) n`;
    expect(await join(await addLoner(site), link)).toMatchObject(refused(403, "too-many-members"));
  });
});
