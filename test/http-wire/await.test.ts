/** Live notifications over the WebSocket /await (reference §A.5), on both transports. */

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { RawClient } from "../gateway/raw-client.ts";
import { describeWith } from "../services/need.ts";
import { flakyProxy } from "../store/flaky-proxy.ts";
import { type AwaitSite, openAwaitSite, refusedHandshake, type Told } from "./await-site.ts";
import {
  addConversation,
  addLoner,
  addTeam,
  DOMAIN,
  event,
  holdRename,
  joinData,
  leaveData,
  UUID,
  type WirePerson,
} from "./site.ts";

const tokenOf = (person: WirePerson) => person.auth["Personal-Access-Token"];

describeWith("postgres", "/await", ({ postgres }) => {
  describe.each(["uws", "ws"] as const)("over %s", (transport) => {
    let site: AwaitSite;
    let team: string;
    let ada: WirePerson;
    let bob: WirePerson;
    let cy: WirePerson;
    const sockets: RawClient[] = [];
    beforeAll(async () => {
      site = await openAwaitSite(await postgres.createDatabase(), { transport });
      const made = await addTeam(site, 3);
      team = made.org.uuid;
      [ada, bob, cy] = made.people as [WirePerson, WirePerson, WirePerson];
    });
    afterEach(async () => {
      await Promise.all(sockets.splice(0).map((socket) => socket.drop()));
    });
    afterAll(() => site?.close());
    const wait = (person: WirePerson) => site.waiter(tokenOf(person));
    const chat = async (person: WirePerson) => {
      const socket = await RawClient.connect(site.url);
      sockets.push(socket);
      await socket.hello(tokenOf(person));
      return socket;
    };

    test("[A.5] every change is told to every member, the actor too, in the shape of Wire", async () => {
      const [adas, bobs] = [await wait(ada), await wait(bob)];
      const id = await addConversation([ada, bob], { team: { teamid: team }, name: "Live" });
      const path = `/conversations/${id}`;
      await ada.call("POST", `${path}/members`, { users: [cy.uuid], conversation_role: "wire_member" });
      await ada.call("PUT", path, { name: "Renamed" });
      await ada.call("PUT", `${path}/receipt-mode`, { receipt_mode: 1 });
      await ada.call("PUT", `${path}/message-timer`, { message_timer: 60_000 });
      await ada.call("PUT", `${path}/access`, { access: ["invite"], access_role: "team" });
      await ada.call("PUT", `${path}/members/${cy.uuid}`, { conversation_role: "wire_admin" });
      await ada.call("DELETE", `${path}/members/${cy.uuid}`);
      await ada.call("DELETE", `/teams/${team}/conversations/${id}`);
      const told = (type: string, data: unknown) => event(type, id, ada.uuid, data);
      for (const [who, waiting] of [
        [ada, adas],
        [bob, bobs],
      ] as const) {
        await waiting.event("conversation.delete", id);
        expect(waiting.events(id)).toEqual([
          told("conversation.create", expect.objectContaining({ id, type: 0, creator: ada.uuid })),
          told("conversation.member-join", joinData([cy], "wire_member")),
          told("conversation.rename", { name: "Renamed" }),
          told("conversation.receipt-mode-update", { receipt_mode: 1 }),
          told("conversation.message-timer-update", { message_timer: 60_000 }),
          told("conversation.access-update", { access: ["invite"], access_role: "team" }),
          told("conversation.member-update", {
            target: cy.uuid,
            qualified_target: { id: cy.uuid, domain: DOMAIN },
            conversation_role: "wire_admin",
          }),
          told("conversation.member-leave", leaveData(cy)),
          told("conversation.delete", null),
        ]);
        const created = waiting.events(id)[0]?.data as { members: { self: { id: string } } };
        expect(created.members.self.id).toBe(who.uuid);
      }
      for (const { id: one, transient } of adas.told) {
        expect(one).toMatch(UUID);
        expect(transient).toBe(false);
      }
    });

    test("[A.5] who is added hears of it and of what follows, who is removed of that and nothing more", async () => {
      const id = await addConversation([ada]);
      const bobs = await wait(bob);
      await ada.call("POST", `/conversations/${id}/members`, { users: [cy.uuid, bob.uuid] });
      expect(await bobs.event("conversation.member-join", id)).toEqual(
        event("conversation.member-join", id, ada.uuid, joinData([cy, bob])),
      );
      await ada.call("PUT", `/conversations/${id}`, { name: "Hello Bob" });
      await ada.call("DELETE", `/conversations/${id}/members/${bob.uuid}`);
      await ada.call("PUT", `/conversations/${id}`, { name: "Bye Bob" });
      const other = await addConversation([ada, bob]);
      await bobs.event("conversation.create", other);
      expect(bobs.events(id).map(({ type }) => type)).toEqual([
        ...["conversation.member-join", "conversation.rename", "conversation.member-leave"],
      ]);
    });

    test("[A.5] an event is told once, in the order of the ids, and /notifications goes on from any of them", async () => {
      const waiting = await wait(ada);
      const id = await addConversation([ada, bob]);
      for (let n = 1; n <= 20; n++) await bob.call("PUT", `/conversations/${id}`, { name: `Name ${n}` });
      await waiting.until("all names", () => waiting.events(id).length === 21);
      const ids = waiting.told.map((one) => one.id);
      expect(ids).toEqual([...new Set(ids)].sort());
      const kept: Told[] = waiting.told.map(({ id: one, payload }) => ({
        id: one,
        transient: false,
        payload,
      }));
      for (const from of [0, 7, ids.length - 1]) {
        const { json } = await ada.call("GET", `/notifications?since=${ids[from]}`);
        expect(json.notifications.map((one: Told) => ({ ...one, transient: false }))).toEqual(
          kept.slice(from + 1),
        );
        expect(json.has_more).toBe(false);
      }
    });

    test("[A.5] what is committed late is told first, and no id skips it", async () => {
      const [ada, bob] = (await addTeam(site, 2)).people as [WirePerson, WirePerson];
      const [slow, fast] = [await addConversation([ada, bob]), await addConversation([ada, bob])];
      const bobs = await wait(bob);
      const held = await holdRename(site, slow, ada, "Slow");
      await ada.call("PUT", `/conversations/${fast}`, { name: "Fast" });
      await ada.call("POST", `/conversations/${fast}/typing`, { status: "started" });
      await bobs.event("conversation.typing", fast);
      await held.commit();
      await bobs.event("conversation.rename", fast);
      const kept = bobs.told.filter(({ transient }) => !transient);
      expect(kept.map(({ payload: [one] }) => one?.data)).toEqual([{ name: "Slow" }, { name: "Fast" }]);
      for (const [since, more] of [
        [bobs.told[0]?.id, 2],
        [kept[0]?.id, 1],
        [kept[1]?.id, 0],
      ] as const) {
        const { json } = await bob.call("GET", `/notifications?since=${since}`);
        expect(json.notifications).toHaveLength(more);
      }
      expect(bobs.told[0]?.transient).toBe(true);
      await ada.call("POST", `/conversations/${fast}/typing`, { status: "stopped" });
      await bobs.until("stopped", () => bobs.told.length > 3);
    });

    test("[A.5] user.connection goes to both at each change, each in their own view", async () => {
      const [dan, eve] = [await addLoner(site), await addLoner(site)];
      const [dans, eves] = [await wait(dan), await wait(eve)];
      const tells = async (change: () => Promise<unknown>, ofDan: string[], ofEve: string[]) => {
        const before = [dans.connections().length, eves.connections().length];
        await change();
        for (const [client, wanted, from] of [
          [dans, ofDan, before[0]],
          [eves, ofEve, before[1]],
        ] as const) {
          await client.until(`${wanted}`, () => client.connections().length >= (from ?? 0) + wanted.length);
          expect(client.connections().slice(from)).toEqual(wanted);
        }
      };
      const set = (who: WirePerson, other: WirePerson, status: string) => () =>
        who.call("PUT", `/connections/${other.uuid}`, { status });
      const ask = () => dan.call("POST", "/connections", { user: eve.uuid, name: "Hi" });
      await tells(ask, ["sent"], ["pending"]);
      await tells(set(dan, eve, "cancelled"), ["cancelled"], ["cancelled"]);
      await tells(ask, ["sent"], ["pending"]);
      await tells(set(eve, dan, "ignored"), [], ["ignored"]);
      await tells(set(eve, dan, "accepted"), ["accepted"], ["accepted"]);
      await tells(set(eve, dan, "blocked"), [], ["blocked"]);
      await tells(set(eve, dan, "accepted"), ["accepted"], ["accepted"]);
      const [last] = dans.told.filter(({ payload: [one] }) => one?.connection).slice(-1);
      expect(last).toMatchObject({
        id: expect.stringMatching(UUID),
        transient: false,
        payload: [
          {
            type: "user.connection",
            connection: (await dan.call("GET", `/connections/${eve.uuid}`)).json,
            user: { name: eve.displayName },
          },
        ],
      });
      const ids = dans.told.map(({ id }) => id);
      expect(ids).toEqual(ids.toSorted());
    });

    test("what other APIs and the WebSocket do is told as well, and messages are not", async () => {
      const waiting = await wait(ada);
      const id = await addConversation([ada, bob]);
      const token = (await site.store.rooms.locate({ uuid: id }, "u:0"))?.room.token ?? "";
      const socket = await chat(bob);
      await socket.ask({ op: "send", ref: 1, room: token, id: "one", text: "hello" });
      const actor = { kind: "user" as const, id: String(bob.id), name: bob.displayName };
      await site.useCases.roomLifecycle.rename(actor, token, "From elsewhere");
      expect(await waiting.event("conversation.rename", id)).toEqual(
        event("conversation.rename", id, bob.uuid, { name: "From elsewhere" }),
      );
      expect(waiting.events(id).map(({ type }) => type)).toEqual([
        "conversation.create",
        "conversation.rename",
      ]);
    });

    test("[A.5] typing goes from Wire to the WebSocket and to /await, transient, and not back to its author", async () => {
      // People whom nobody waits as: typing may get lost for those who have just joined the conversation.
      const [ada, bob, cy] = (await addTeam(site, 3)).people as [WirePerson, WirePerson, WirePerson];
      const id = await addConversation([ada, bob, cy]);
      const token = (await site.store.rooms.locate({ uuid: id }, "u:0"))?.room.token ?? "";
      const [adas, bobs, socket] = [await wait(ada), await wait(bob), await chat(cy)];
      await socket.ask({ op: "open", ref: 1, room: token });
      for (const status of ["started", "stopped"]) {
        await ada.call("POST", `/conversations/${id}/typing`, { status });
        await bobs.until(status, () =>
          bobs.told.some(({ payload: [one] }) => (one?.data as { status?: string })?.status === status),
        );
      }
      const typed = bobs.told.filter(({ transient }) => transient);
      expect(typed.map(({ payload }) => payload)).toEqual([
        [event("conversation.typing", id, ada.uuid, { status: "started" }, false)],
        [event("conversation.typing", id, ada.uuid, { status: "stopped" }, false)],
      ]);
      for (const on of [true, false]) {
        expect(await socket.next(({ op }) => op === "typing")).toMatchObject({
          ...{ room: token, actor: { kind: "user", id: String(ada.id) }, on },
        });
      }
      const { json } = await bob.call("GET", `/notifications?since=${typed[0]?.id}`);
      expect(json.notifications).toEqual([]);
      await ada.call("PUT", `/conversations/${id}`, { name: "x" });
      await adas.event("conversation.rename", id);
      expect(adas.changes(id)).toEqual(["conversation.rename"]);
    });

    test("[A.5] typing on the WebSocket reaches /await", async () => {
      const [ada, bob] = (await addTeam(site, 2)).people as [WirePerson, WirePerson];
      const id = await addConversation([ada, bob]);
      const token = (await site.store.rooms.locate({ uuid: id }, "u:0"))?.room.token ?? "";
      const [bobs, socket] = [await wait(bob), await chat(ada)];
      await socket.ask({ op: "typing", ref: 1, room: token, on: true });
      expect(await bobs.event("conversation.typing", id)).toEqual(
        event("conversation.typing", id, ada.uuid, { status: "started" }, false),
      );
    });

    test("[A.5] what a member sets for themselves reaches their other clients, and nobody else's", async () => {
      const id = await addConversation([ada, bob]);
      const [adas, bobs] = [await wait(ada), await wait(bob)];
      await ada.call("PUT", `/conversations/${id}/self`, { otr_archived: true, otr_archived_ref: "now" });
      const update = await adas.event("conversation.member-update", id);
      expect(update.data).toMatchObject({ target: ada.uuid, otr_archived: true, otr_archived_ref: "now" });
      const told = adas.told.find(({ payload }) => payload.includes(update));
      expect(told?.transient).toBe(false);
      // It is kept under the same id for those who were away, and one can go on from it.
      const kept = (await ada.call("GET", "/notifications?size=1000")).json.notifications;
      expect(kept).toContainEqual({ id: told?.id, payload: told?.payload });
      const rest = await ada.call("GET", `/notifications?since=${told?.id}`);
      expect(rest).toMatchObject({ status: 200, json: { notifications: [] } });
      await ada.call("PUT", `/conversations/${id}`, { name: "x" });
      await bobs.event("conversation.rename", id);
      expect(bobs.changes(id)).toEqual(["conversation.rename"]);
    });

    test("[A.7.3] [A.7.9] [A.7.10] what is 204 makes no event", async () => {
      const id = await addConversation([ada, bob], { receipt_mode: 1 });
      const waiting = await wait(bob);
      const path = `/conversations/${id}`;
      expect((await ada.call("POST", `${path}/members`, { users: [bob.uuid] })).status).toBe(204);
      expect((await ada.call("PUT", `${path}/receipt-mode`, { receipt_mode: 1 })).status).toBe(204);
      expect((await ada.call("PUT", `${path}/message-timer`, { message_timer: null })).status).toBe(204);
      expect((await ada.call("DELETE", `${path}/members/${cy.uuid}`)).status).toBe(204);
      await ada.call("PUT", path, { name: "x" });
      await waiting.event("conversation.rename", id);
      expect(waiting.changes(id)).toEqual(["conversation.rename"]);
    });

    test("answers a client's ping in text, and ignores whatever else it says", async () => {
      const waiting = await wait(ada);
      waiting.socket.send("nonsense");
      waiting.socket.send(Buffer.from([1, 2, 3, 4]));
      waiting.socket.send("ping");
      await waiting.until("pong", () => waiting.texts.length > 0);
      expect(waiting.texts).toEqual(["pong"]);
    });

    test("[A.5] without an upgrade it is 426 request-error", async () => {
      const answer = await fetch(`${site.url}/await?client=1`);
      expect(answer.status).toBe(426);
      expect(await answer.json()).toEqual({ code: 426, label: "request-error", message: expect.any(String) });
    });

    test("[A.2] without a valid token it is 401, and access_token in the query is one", async () => {
      const org = await addTeam(site, 1);
      const label = { status: 401, json: { code: 401, label: "invalid-credentials" } };
      const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
      expect(await refusedHandshake(site.url, "/await")).toMatchObject(label);
      expect(await refusedHandshake(site.url, "/await", bearer("nonsense"))).toMatchObject(label);
      const ofOrg = await refusedHandshake(site.url, "/await", bearer(org.org.auth["API-TOKEN"]));
      expect(ofOrg).toMatchObject(label);
      expect(ofOrg.headers["www-authenticate"]).toBe("Bearer");
      const { told } = await site.waiter(`${tokenOf(ada)}`);
      expect(told).toEqual([]);
      const socket = new WebSocket(`${site.url.replace("http", "ws")}/await?access_token=${tokenOf(ada)}`);
      await new Promise((resolve) => socket.once("open", resolve));
      socket.close();
    });

    test("[A.2] a token that is revoked, a login that ends and a user who is deleted end the waiting", async () => {
      const { people } = await addTeam(site, 3);
      const [one, two, three] = people as [WirePerson, WirePerson, WirePerson];
      const tokens = await site.store.tokens.list({ limit: 10_000, after: 0 });
      const waiting = [await wait(one), await wait(three)];
      const login = await site.client("POST", "/login", { json: { handle: two.handle, password: "secret" } });
      waiting.push(await site.waiter(login.json.access_token));
      const kept = await wait(two);
      await site.useCases.directory.deleteToken(tokens.find(({ userId }) => userId === one.id)?.id ?? 0);
      await site.useCases.directory.deleteUser(three.id);
      const cookie = (login.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
      const headers = { Cookie: cookie, Authorization: `Bearer ${login.json.access_token}` };
      expect((await site.client("POST", "/access/logout", { headers })).status).toBe(200);
      for (const each of waiting) {
        await each.until("the end", () => each.closed !== null);
        expect(each.closed?.code).toBe(1008);
      }
      expect(kept.closed).toBeNull();
    });

    test("[A.2] a user whose id is somebody else's since a restore waits no longer", async () => {
      const { people } = await addTeam(site, 2);
      const [one, two] = people as [WirePerson, WirePerson];
      const [ones, twos] = [await wait(one), await wait(two)];
      await site.store.sql`update users set uuid = gen_random_uuid() where id in (${one.id}, ${two.id})`;
      const next = await wait(two);
      for (const each of [ones, twos]) {
        await each.until("the end", () => each.closed !== null);
        expect(each.closed?.code).toBe(1008);
      }
      expect(next.closed).toBeNull();
    });

    test("where the log is another one, they come back and read anew", async () => {
      const own = await openAwaitSite(await postgres.createDatabase(), { transport });
      const [person] = (await addTeam(own, 1)).people as [WirePerson];
      const waiting = await own.waiter(tokenOf(person));
      await own.store.history.lost(own.store.history.epoch);
      await waiting.until("the end", () => waiting.closed !== null);
      expect(waiting.closed?.code).toBe(1013);
      expect(own.awaitFace.waiting()).toBe(0);
      expect((await own.waiter(tokenOf(person))).closed).toBeNull();
      await own.close();
    });

    test("who goes away is forgotten", async () => {
      const before = site.awaitFace.waiting();
      const waiting = await wait(cy);
      expect(site.awaitFace.waiting()).toBe(before + 1);
      waiting.socket.terminate();
      const id = await addConversation([cy, ada]);
      const adas = await wait(ada);
      await ada.call("PUT", `/conversations/${id}`, { name: "x" });
      await adas.event("conversation.rename", id);
      await adas.until("its leaving", () => site.awaitFace.waiting() <= before + 1);
    });

    test("a gateway that drains tells them to come back, and takes nobody new", async () => {
      const own = await openAwaitSite(await postgres.createDatabase(), { transport });
      const [person] = (await addTeam(own, 1)).people as [WirePerson];
      const waiting = await own.waiter(tokenOf(person));
      await own.gateway.drain();
      await waiting.until("the end", () => waiting.closed !== null);
      expect(waiting.closed?.code).toBe(1001);
      expect(own.awaitFace.waiting()).toBe(0);
      await own.close();
    });
  });

  test("a gateway without its database tells them to come back, and admits nobody until it has it", async () => {
    const proxy = await flakyProxy(await postgres.createDatabase());
    const site = await openAwaitSite(proxy.url, { transport: "uws" });
    const [person] = (await addTeam(site, 1)).people as [WirePerson];
    const waiting = await site.waiter(tokenOf(person));
    proxy.cut();
    await waiting.until("the end", () => waiting.closed !== null);
    expect(waiting.closed?.code).toBe(1013);
    const headers = { authorization: `Bearer ${tokenOf(person)}` };
    expect(await refusedHandshake(site.url, "/await", headers)).toMatchObject({ status: 503 });
    proxy.resume();
    await vi.waitFor(() => expect(site.store.health.condition.state).toBe("ok"), { timeout: 10_000 });
    await site.waiter(tokenOf(person));
    await site.close();
    await proxy.close();
  });

  test("where limits are on a user has 100 clients", async () => {
    const site = await openAwaitSite(await postgres.createDatabase(), { transport: "ws", rateLimits: true });
    const [person] = (await addTeam(site, 1)).people as [WirePerson];
    for (let n = 0; n < 100; n++) await site.waiter(tokenOf(person));
    const headers = { authorization: `Bearer ${tokenOf(person)}` };
    expect(await refusedHandshake(site.url, "/await", headers)).toMatchObject({
      status: 429,
      json: { label: "client-error" },
    });
    await site.close();
  });

  test("2,000 clients wait at once, and one change reaches all of them", async () => {
    const site = await openAwaitSite(await postgres.createDatabase(), { transport: "uws" });
    const [person] = (await addTeam(site, 1)).people as [WirePerson];
    const id = await addConversation([person]);
    const waiting = [];
    for (let n = 0; n < 20; n++)
      waiting.push(...(await Promise.all(Array.from({ length: 100 }, () => site.waiter(tokenOf(person))))));
    expect(site.awaitFace.waiting()).toBe(2_000);
    await person.call("PUT", `/conversations/${id}`, { name: "Everybody" });
    for (const each of waiting) await each.event("conversation.rename", id);
    await site.close();
  });
});
