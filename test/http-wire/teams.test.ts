/** Teams and their conversations (reference §A.4, "One domain under four names"). */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSite, type Site } from "../http/real-parts.ts";
import { describeWith } from "../services/need.ts";
import { addConversation, addLoner, addTeam, connect, empty, NIL, refused, type WirePerson } from "./site.ts";

describeWith("postgres", "Wire teams", ({ postgres }) => {
  let site: Site;
  let team: string;
  let ada: WirePerson;
  let bob: WirePerson;
  let loner: WirePerson;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    const made = await addTeam(site, 2);
    team = made.org.uuid;
    [ada, bob] = made.people as [WirePerson, WirePerson];
    loner = await addLoner(site);
  });
  afterAll(() => site?.close());
  const ofTeam = { team: { teamid: "", managed: false } };
  const inTeam = () => ({ ...ofTeam, team: { teamid: team } });
  const remove = (who: WirePerson, id: string, tid = team) =>
    who.call("DELETE", `/teams/${tid}/conversations/${id}`);

  test("a team is an organization by its UUID", async () => {
    const one = { id: team, name: expect.any(String), creator: NIL, icon: "default", binding: true };
    expect(await ada.call("GET", "/teams")).toMatchObject({
      status: 200,
      json: { teams: [one], has_more: false },
    });
    expect(await ada.call("GET", `/teams/${team}`)).toMatchObject({ status: 200, json: one });
    expect((await loner.call("GET", "/teams")).json).toEqual({ teams: [], has_more: false });
    expect(await loner.call("GET", `/teams/${team}`)).toMatchObject(refused(404, "no-team"));
    expect((await ada.call("GET", `/teams/${team}/members`)).json).toEqual({
      members: [{ user: ada.uuid }, { user: bob.uuid }],
      hasMore: false,
    });
    expect((await ada.call("GET", `/teams/${team}/members?maxResults=1`)).json.hasMore).toBe(true);
    expect(await loner.call("GET", `/teams/${team}/members`)).toMatchObject(refused(403, "no-team-member"));
  });

  test("the team's conversations are those that the caller is in", async () => {
    const [first, second] = [
      await addConversation([ada], inTeam()),
      await addConversation([bob, ada], inTeam()),
    ];
    const elsewhere = await addConversation([ada]);
    const rooms = new Map<string, string>();
    for (const { id, room } of (await ada.call("GET", "/conversations")).json.conversations)
      rooms.set(id, room);
    const listed = (id: string) => ({ conversation: id, room: rooms.get(id), managed: false });
    const { json } = await ada.call("GET", `/teams/${team}/conversations`);
    expect(json.conversations).toEqual([first, second].sort().map(listed));
    expect((await bob.call("GET", `/teams/${team}/conversations`)).json.conversations).toEqual([
      listed(second),
    ]);
    expect((await ada.call("GET", `/teams/${team}/conversations/${first}`)).json).toEqual(listed(first));
    const missing = refused(404, "no-conversation");
    expect(await bob.call("GET", `/teams/${team}/conversations/${first}`)).toMatchObject(missing);
    expect(await ada.call("GET", `/teams/${team}/conversations/${elsewhere}`)).toMatchObject(missing);
    expect(await loner.call("GET", `/teams/${team}/conversations`)).toMatchObject(
      refused(403, "no-team-member"),
    );
    const roles = (await ada.call("GET", `/teams/${team}/conversations/roles`)).json.conversation_roles;
    expect(roles.map((one: { conversation_role: string }) => one.conversation_role)).toEqual([
      ...["wire_admin", "wire_member"],
    ]);
  });

  test("[A.7.12] deleting is 200 and empty, then all members get 404, and everyone conversation.delete", async () => {
    await connect(ada, loner);
    const id = await addConversation([ada, bob, loner], inTeam());
    expect(await remove(bob, id)).toMatchObject(empty(200));
    for (const who of [ada, bob, loner]) {
      expect(await who.call("GET", `/conversations/${id}`)).toMatchObject(
        refused(404, "no-conversation", "Conversation not found"),
      );
      const { notifications } = (await who.call("GET", "/notifications")).json;
      expect(notifications.at(-1).payload).toEqual([
        expect.objectContaining({
          type: "conversation.delete",
          conversation: id,
          from: bob.uuid,
          data: null,
        }),
      ]);
    }
    expect(await remove(bob, id)).toMatchObject(refused(404, "no-conversation"));
  });

  test("[A.4] deleting is 404 for non-members, 403 action-denied for wire_member", async () => {
    const id = await addConversation([ada, bob], { ...inTeam(), conversation_role: "wire_member" });
    const other = (await addTeam(site, 1)).people[0] as WirePerson;
    expect(await remove(other, id)).toMatchObject(refused(404, "no-conversation"));
    expect(await remove(ada, randomUUID())).toMatchObject(refused(404, "no-conversation"));
    expect(await remove(bob, id)).toMatchObject(
      refused(403, "action-denied", "Insufficient authorization (missing delete_conversation)"),
    );
  });

  test("an organization's default chatroom is not deleted here, and a custom one is not renamed to a taken name", async () => {
    const { org, people } = await addTeam(site, 1);
    const [one] = people as [WirePerson];
    const make = async (path: string, body: object) => {
      const made = await site.client("POST", `/api/v1/chat/chatrooms${path}`, {
        headers: org.auth,
        json: { organizationID: org.id, ...body },
      });
      expect(made.status, made.text).toBe(201);
      const claimed = { headers: one.auth };
      expect(
        (await site.client("POST", `/api/v1/chat/chatrooms/${made.json.id}/claim`, claimed)).status,
      ).toBe(200);
      return (await site.store.rooms.byId(made.json.id))?.uuid ?? "";
    };
    const byDefault = await make("/default", { automationEnabled: false });
    expect(await remove(one, byDefault, org.uuid)).toMatchObject(
      refused(403, "invalid-op", /default chatroom/),
    );
    await make("", { name: "Taken" });
    const custom = await make("", { name: "Free" });
    expect(await one.call("PUT", `/conversations/${custom}`, { name: "taken" })).toMatchObject(
      refused(409, "conflict"),
    );
  });

  test("[A.4] deleting through another team is 403 no-team-member, or 404 when the caller is in that too", async () => {
    const id = await addConversation([ada], inTeam());
    expect(await remove(ada, id, randomUUID())).toMatchObject(
      refused(403, "no-team-member", "Requesting user is not a team member"),
    );
    const own = await addConversation([ada]);
    expect(await remove(ada, own)).toMatchObject(refused(404, "no-conversation"));
    expect((await ada.call("GET", `/conversations/${own}`)).status).toBe(200);
  });
});
