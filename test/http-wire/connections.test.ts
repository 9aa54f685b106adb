/** Connections between people who share no team (reference §A.2, "One domain under four names"). */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSite, type Site } from "../http/real-parts.ts";
import { describeWith } from "../services/need.ts";
import {
  addLoner,
  addTeam,
  connect,
  DOMAIN,
  empty,
  ROOM,
  refused,
  TIME,
  UUID,
  type WirePerson,
} from "./site.ts";

describeWith("postgres", "Wire connections", ({ postgres }) => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(postgres.url);
  });
  afterAll(() => site?.close());
  const pair = async () => [await addLoner(site), await addLoner(site)] as const;
  const ask = (from: WirePerson, to: { uuid: string }, more: object = {}) =>
    from.call("POST", "/connections", { user: to.uuid, name: "Hi", ...more });
  const set = (from: WirePerson, to: WirePerson, status: string) =>
    from.call("PUT", `/connections/${to.uuid}`, { status });
  const statusOf = async (from: WirePerson, to: WirePerson) =>
    (await from.call("GET", `/connections/${to.uuid}`)).json?.status;

  test("[A.2] asking is 201 sent, asking again 200, and the other sees it pending", async () => {
    const [ada, bob] = await pair();
    const sent = await ask(ada, bob, { message: "It's me" });
    expect(sent).toMatchObject({ status: 201 });
    expect(sent.json).toEqual({
      from: ada.uuid,
      to: bob.uuid,
      qualified_to: { id: bob.uuid, domain: DOMAIN },
      status: "sent",
      message: "It's me",
      conversation: expect.stringMatching(UUID),
      qualified_conversation: { id: sent.json.conversation, domain: DOMAIN },
      room: ROOM,
      last_update: expect.stringMatching(TIME),
    });
    expect(await ask(ada, bob)).toMatchObject({ status: 200, json: { status: "sent" } });
    expect(await statusOf(bob, ada)).toBe("pending");
    const waiting = await ada.call("GET", `/conversations/${sent.json.conversation}`);
    expect(waiting.json).toMatchObject({ type: 3, members: { others: [] } });
    expect(await bob.call("GET", `/conversations/${sent.json.conversation}`)).toMatchObject(
      refused(403, "access-denied"),
    );
  });

  test("the room of a connection that waits is of type 3, whoever asked", async () => {
    const people = await pair();
    for (const [ada, bob] of [people, [people[1], people[0]] as const]) {
      const { conversation } = (await ask(ada, bob)).json;
      expect((await ada.call("GET", `/conversations/${conversation}`)).json.type).toBe(3);
      await set(ada, bob, "cancelled");
    }
  });

  test("[A.2] accepting is 200, again 204, and both are in a one-to-one conversation then", async () => {
    const [ada, bob] = await pair();
    const { conversation } = (await ask(ada, bob)).json;
    expect(await set(bob, ada, "accepted")).toMatchObject({
      status: 200,
      json: { status: "accepted", conversation },
    });
    expect(await set(bob, ada, "accepted")).toMatchObject(empty(204));
    expect(await statusOf(ada, bob)).toBe("accepted");
    for (const [one, other] of [
      [ada, bob],
      [bob, ada],
    ] as const)
      expect((await one.call("GET", `/conversations/${conversation}`)).json).toMatchObject({
        type: 2,
        members: { self: { id: one.uuid }, others: [{ id: other.uuid }] },
      });
    const opened = await ada.call("POST", "/conversations/one2one", { users: [bob.uuid] });
    expect(opened).toMatchObject({ status: 200, json: { id: conversation } });
  });

  test("[A.2] who asks somebody that asked has accepted", async () => {
    const [ada, bob] = await pair();
    await ask(ada, bob);
    expect(await ask(bob, ada)).toMatchObject({ json: { status: "accepted" } });
    expect(await statusOf(ada, bob)).toBe("accepted");
  });

  test("[A.2] cancelling takes it back, with the conversation", async () => {
    const [ada, bob] = await pair();
    const { conversation } = (await ask(ada, bob)).json;
    expect(await set(ada, bob, "cancelled")).toMatchObject({ status: 200, json: { status: "cancelled" } });
    expect(await statusOf(bob, ada)).toBe("cancelled");
    expect(await ada.call("GET", `/conversations/${conversation}`)).toMatchObject(
      refused(404, "no-conversation"),
    );
    expect(await ask(ada, bob)).toMatchObject({ status: 201, json: { status: "sent" } });
  });

  test("[A.2] blocking ends it for both: neither can add the other", async () => {
    const [ada, bob] = await pair();
    await connect(ada, bob);
    expect(await set(bob, ada, "blocked")).toMatchObject({ status: 200, json: { status: "blocked" } });
    for (const [one, other] of [
      [ada, bob],
      [bob, ada],
    ] as const)
      expect(await one.call("POST", "/conversations", { users: [other.uuid] })).toMatchObject(
        refused(403, "not-connected"),
      );
    expect(await set(bob, ada, "accepted")).toMatchObject({ status: 200 });
    expect(await ada.call("POST", "/conversations", { users: [bob.uuid] })).toMatchObject({ status: 201 });
  });

  test("[A.2] people of one team are connected without asking", async () => {
    const [ada, bob] = (await addTeam(site, 2)).people as [WirePerson, WirePerson];
    expect(await ask(ada, bob)).toMatchObject({ status: 200, json: { status: "accepted" } });
  });

  test("a colleague is blocked without having been asked: no typing, no new conversation, both ways", async () => {
    const [ada, bob] = (await addTeam(site, 2)).people as [WirePerson, WirePerson];
    const { id } = (await ada.call("POST", "/conversations/one2one", { users: [bob.uuid] })).json;
    expect(await statusOf(ada, bob)).toBe("accepted");
    expect(await set(ada, bob, "blocked")).toMatchObject({
      status: 200,
      json: { status: "blocked", conversation: id },
    });
    expect(await set(ada, bob, "blocked")).toMatchObject(empty(204));
    expect([await statusOf(ada, bob), await statusOf(bob, ada)]).toEqual(["blocked", "accepted"]);
    expect(await ask(ada, bob)).toMatchObject(refused(403, "bad-conn-update"));
    for (const [one, other] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      const typing = await one.call("POST", `/conversations/${id}/typing`, { status: "started" });
      expect(typing).toMatchObject(refused(403, "action-denied", /blocked/));
      const made = await one.call("POST", "/conversations", { users: [other.uuid] });
      expect(made).toMatchObject(refused(403, "not-connected"));
    }
    expect(await set(ada, bob, "accepted")).toMatchObject({ status: 200, json: { status: "accepted" } });
    expect(await bob.call("POST", "/conversations", { users: [ada.uuid] })).toMatchObject({ status: 201 });
  });

  test("an unknown user is 403 not-connected, oneself 400, and no connection 404 to read", async () => {
    const [ada, bob] = await pair();
    expect(await ask(ada, { uuid: randomUUID() })).toMatchObject(refused(403, "not-connected"));
    expect(await ask(ada, ada)).toMatchObject(refused(400, "bad-request"));
    expect(await ask(ada, { uuid: "x" })).toMatchObject(refused(400, "bad-request"));
    expect(await ada.call("GET", `/connections/${bob.uuid}`)).toMatchObject(refused(404, "not-found"));
    expect(await set(ada, bob, "accepted")).toMatchObject(refused(403, "not-connected"));
    await ask(ada, bob);
    expect(await set(ada, bob, "accepted")).toMatchObject(refused(403, "bad-conn-update"));
    expect(await set(ada, bob, "friends")).toMatchObject(refused(400, "bad-request"));
  });

  test("a stranger of another team and nobody are refused in the same words", async () => {
    const [ada] = (await addTeam(site, 1)).people as [WirePerson];
    const [stranger] = (await addTeam(site, 1)).people as [WirePerson];
    const words = async (uuid: string) => {
      const read = await ada.call("GET", `/connections/${uuid}`);
      const set = await ada.call("PUT", `/connections/${uuid}`, { status: "blocked" });
      return [read, set].map(({ status, json }) => ({ status, json }));
    };
    const nobody = await words(randomUUID());
    expect(nobody).toMatchObject([refused(404, "not-found"), refused(403, "not-connected")]);
    expect(await words(stranger.uuid)).toEqual(nobody);
  });

  test("the list goes by the other's id, page by page", async () => {
    const ada = await addLoner(site);
    const others = [await addLoner(site), await addLoner(site), await addLoner(site)];
    for (const one of others) await ask(ada, one);
    const ids = others.map(({ uuid }) => uuid).sort();
    const to = ({ json }: { json: { connections: { to: string }[] } }) =>
      json.connections.map((one) => one.to);
    const first = await ada.call("GET", "/connections?size=2");
    expect([to(first), first.json.has_more]).toEqual([ids.slice(0, 2), true]);
    const rest = await ada.call("GET", `/connections?size=2&start=${ids[1]}`);
    expect([to(rest), rest.json.has_more]).toEqual([ids.slice(2), false]);
    expect(to(await ada.call("GET", "/connections"))).toEqual(ids);
    expect(await ada.call("GET", "/connections?size=501")).toMatchObject(refused(400, "bad-request"));
  });
});
