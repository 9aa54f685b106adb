/** Memberships and credentials that change while sessions are connected. */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createMemoryHot } from "../../../src/hot/memory/memory.ts";
import type { PostgresStore } from "../../../src/store/postgres.ts";
import { describeWith } from "../../services/need.ts";
import { person, places, room, say, site, TRANSPORTS } from "../fixtures.ts";
import type { Frame } from "../raw-client.ts";

const isEvent = ({ op }: Frame) => op === "event";

describeWith("postgres", "memberships", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, raw } = site(postgres.url);

    describe.each(places(node, { transport }))("changed %s", (_, nodes) => {
      test("[GW-11.1] a new member gets their own member.joined and what follows, and nothing from before", async () => {
        const { here, there } = await nodes();
        const [ada, bob] = [await person(there, "Ada"), await person(there, "Bob")];
        const home = await room(there, [ada]);
        const [b, b2] = [await raw(here), await raw(here, "msgpack")];
        for (const client of [b, b2]) expect((await client.hello(bob.token)).rooms).toEqual([]);
        await say(there, ada, home, "not for Bob");
        await there.useCases.roomLifecycle.addMembers(ada.actor, home.token, [
          { member: bob.actor, role: "user" },
        ]);
        const { seq } = await say(there, ada, home, "for Bob");
        for (const client of [b, b2]) {
          expect(await client.next(isEvent)).toMatchObject({
            ...{ type: "member.joined", room: home.token, seq: seq - 1, actor: ada.actor },
            data: { member: bob.actor, role: "user" },
          });
          expect(await client.next(isEvent)).toMatchObject({
            type: "message",
            seq,
            data: { text: "for Bob" },
          });
        }
        expect(await b.ask({ op: "open", ref: 1, room: home.token })).toMatchObject({ op: "ok" });
      });

      test("[GW-11.2] who is removed gets their own member.left and nothing after it, also after coming back", async () => {
        const { here, there } = await nodes();
        const [ada, bob] = [await person(there, "Ada"), await person(there, "Bob")];
        const [home, other] = [await room(there, [ada, bob]), await room(there, [ada, bob])];
        const [a, b] = [await raw(here), await raw(here)];
        // Somebody stays, so that the room's events go on to this gateway.
        await a.hello(ada.token);
        await b.hello(bob.token);
        const { removeMember, addMembers } = there.useCases.roomLifecycle;
        await removeMember(ada.actor, home.token, bob.actor);
        await say(there, ada, home, "not for Bob");
        expect(await b.next(isEvent)).toMatchObject({
          type: "member.left",
          room: home.token,
          data: { member: bob.actor },
        });
        await say(there, ada, other, "elsewhere");
        expect(await b.next(isEvent)).toMatchObject({ room: other.token, data: { text: "elsewhere" } });
        expect(await b.ask({ op: "open", ref: 1, room: home.token })).toMatchObject({
          code: "not_found",
        });
        await addMembers(ada.actor, home.token, [{ member: bob.actor, role: "user" }]);
        await say(there, ada, home, "for Bob again");
        expect(await b.next(isEvent)).toMatchObject({ type: "member.joined", room: home.token });
        expect(await b.next(isEvent)).toMatchObject({ type: "message", data: { text: "for Bob again" } });
      });

      test("[GW-11.3] room.deleted is the last that its members get, and roles that change are seen", async () => {
        const { here, there } = await nodes();
        const [ada, bob] = [await person(there, "Ada"), await person(there, "Bob")];
        const home = await room(there, [ada, bob]);
        const [a, b] = [await raw(here), await raw(here)];
        await a.hello(ada.token);
        await b.hello(bob.token);
        await there.useCases.roomLifecycle.setRole(ada.actor, home.token, bob.actor, "moderator");
        expect(await b.next(isEvent)).toMatchObject({
          type: "member.changed",
          data: { member: bob.actor, role: "moderator" },
        });
        await there.useCases.roomLifecycle.delete(ada.actor, home.token);
        expect(await b.next(({ type }) => type === "room.deleted")).toMatchObject({ room: home.token });
        expect(await b.ask({ op: "open", ref: 1, room: home.token })).toMatchObject({
          code: "not_found",
        });
        expect(b.pending()).toEqual([]);
      });
    });

    test("[GW-11.2] who is removed while their rooms are being read gets their member.left and nothing after it", async () => {
      let reached = () => {};
      const reading = new Promise<void>((resolve) => {
        reached = resolve;
      });
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const slow = (store: PostgresStore): PostgresStore => {
        const sessionRooms: typeof store.roomLists.sessionRooms = async (member) => {
          const rooms = await store.roomLists.sessionRooms(member);
          if (member !== held) return rooms;
          reached();
          await released;
          return rooms;
        };
        return { ...store, sql: store.sql, roomLists: { ...store.roomLists, sessionRooms } };
      };
      let held = "";
      const one = await node({ transport, store: slow });
      const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
      const [home, other] = [await room(one, [ada, bob]), await room(one, [ada, bob])];
      await (await raw(one)).hello(ada.token);
      held = `u:${bob.id}`;
      const b = await raw(one);
      const ready = b.hello(bob.token);
      await reading;
      await one.useCases.roomLifecycle.removeMember(ada.actor, home.token, bob.actor);
      await say(one, ada, home, "not for Bob");
      release();
      await ready;
      expect(await b.next(isEvent)).toMatchObject({ type: "member.left", room: home.token });
      await say(one, ada, home, "not for Bob either");
      await say(one, ada, other, "elsewhere");
      expect(await b.next(isEvent)).toMatchObject({ room: other.token, data: { text: "elsewhere" } });
    });

    test("[GW-2.8] a revoked token ends its sessions with 4501, and no others", async () => {
      const one = await node({ transport });
      const ada = await person(one, "Ada");
      const spare = await one.useCases.directory.createToken({ userId: ada.id, name: "spare" });
      const [revoked, other] = [await raw(one), await raw(one)];
      await revoked.hello(ada.token);
      await other.hello(spare.token);
      await one.useCases.directory.deleteToken(ada.tokenId);
      expect((await revoked.closed).code).toBe(4501);
      expect(await other.ask({ op: "ping", ref: 1 })).toMatchObject({ op: "ok" });
    });

    test("[GW-2.8] a token that expires, a login that ends and a user who is deleted end sessions with 4501", async () => {
      const one = await node({ transport });
      const { directory, accounts } = one.useCases;
      const ada = await person(one, "Ada");
      const soon = await directory.createToken({
        userId: ada.id,
        name: "soon",
        expiresAt: Date.now() + 1_500,
      });
      const expiring = await raw(one);
      expect(await expiring.hello(soon.token)).toMatchObject({ op: "ready" });
      expect((await expiring.closed).code).toBe(4501);

      const { id, handle } = await directory.createUser({ handle: `bob-${ada.id}`, password: "secret" });
      const login = await accounts.login(handle, "secret", { persistent: false, ip: "127.0.0.1" });
      const loggedIn = await raw(one);
      expect(await loggedIn.hello(login.accessToken)).toMatchObject({ op: "ready" });
      await accounts.logout(login.cookie, login.accessToken);
      expect((await loggedIn.closed).code).toBe(4501);

      const { token } = await directory.createToken({ userId: id, name: "t" });
      const deleted = await raw(one);
      expect(await deleted.hello(token)).toMatchObject({ op: "ready" });
      await directory.deleteUser(id);
      expect((await deleted.closed).code).toBe(4501);
    });

    test("[GW-2.8] a new password ends the sessions of logins on every gateway, not those of tokens", async () => {
      const shared = createMemoryHot();
      const [one, two] = [await node({ transport, shared }), await node({ transport, shared })];
      const { directory, accounts } = one.useCases;
      const { id, handle } = await directory.createUser({
        handle: `eve-${randomUUID()}`,
        password: "secret",
      });
      const login = await accounts.login(handle, "secret", { persistent: false, ip: "127.0.0.1" });
      const { token } = await directory.createToken({ userId: id, name: "script" });
      const script = await raw(one);
      await script.hello(token);
      const sessions = [await raw(one), await raw(two)];
      for (const each of sessions) expect(await each.hello(login.accessToken)).toMatchObject({ op: "ready" });
      await directory.updateUser(id, { password: "another" });
      for (const { closed } of sessions) expect((await closed).code).toBe(4501);
      expect(await (await raw(two)).hello(login.accessToken)).toMatchObject({ code: "unauthorized" });
      expect(await script.ask({ op: "ping", ref: 1 })).toMatchObject({ op: "ok" });
    });
  });
});
