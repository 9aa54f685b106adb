/** PROTOCOL.md, section 16, on both transports and both codecs: members, leaving and deleting rooms. */
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/protocol/limits.ts";
import { describeWith } from "../../services/need.ts";
import { meetings, type Person, person, say, site, TRANSPORTS } from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

describeWith("postgres", "members", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, raw } = site(postgres.url);
    const { meet, session: sessionOf, ask: askAny } = meetings({ node, raw }, { transport });

    /** Ada, who owns a room with Bob, Cyd who is not in it, and a session each. */
    const setting = async (codec: "json" | "msgpack" = "json") => {
      const { one, people, home } = await meet("Ada", "Bob");
      const [ada, bob] = people;
      const cyd = await person(one, "Cyd");
      const session = (who: Person) => sessionOf(who, codec);
      const [a, b, c] = [await session(ada), await session(bob), await session(cyd)];
      const ask = (client: RawClient, op: string, more: object = {}) =>
        askAny(client, { op, room: home.token, ...more });
      return { one, ada, bob, cyd, home, a, b, c, ask, session };
    };
    const event = (type: string) => (frame: Frame) => frame.type === type;
    const answerOf = ({ room, seq, at }: Frame) => ({ op: "ok", ref: expect.anything(), room, seq, at });
    const unchanged = (room: string) => ({ op: "ok", ref: expect.anything(), room, duplicate: true });
    const ids = ({ members }: Frame) => (members as { user: { id: string } }[]).map(({ user }) => user.id);

    test.each(["json", "msgpack"] as const)(
      "[GW-16.3] [GW-16.5] who is added (%s) is told to all, once, and lists the members",
      async (codec) => {
        const { ada, bob, cyd, home, a, c, ask } = await setting(codec);
        const answer = await ask(a, "member.add", { users: [String(cyd.id), String(bob.id)] });
        const joined = await c.next(event("member.joined"));
        expect(joined.data).toMatchObject({ member: { id: String(cyd.id), name: "Cyd" }, role: "user" });
        expect(answer).toEqual(answerOf(joined));
        expect(await ask(a, "member.add", { users: [String(cyd.id)] })).toEqual(unchanged(home.token));
        expect(await ask(c, "members")).toMatchObject({
          members: [
            { user: { kind: "user", id: String(ada.id), uuid: ada.uuid, name: "Ada" }, role: "owner" },
            { user: { id: String(bob.id), handle: expect.any(String) }, role: "user" },
            { user: { id: String(cyd.id), publicId: expect.any(String) }, role: "user" },
          ],
        });
      },
    );

    test("[GW-16.2] [GW-16.1] an add is for all or nobody, and names at most 100", async () => {
      const { bob, cyd, a, b, ask } = await setting();
      const users = [String(cyd.id), "9007199254740991"];
      expect(await ask(a, "member.add", { users })).toMatchObject({ code: "not_found", field: "users" });
      expect(ids(await ask(a, "members"))).not.toContain(String(cyd.id));
      const many = Array.from({ length: LIMITS.PEOPLE_AT_ONCE + 1 }, (_, i) => String(i + 1));
      for (const [users, field] of [
        [many, "users"],
        [[], "users"],
        [["0x10"], "users.0"],
        [[cyd.uuid], "users.0"],
      ] as const) {
        expect(await ask(a, "member.add", { users })).toMatchObject({ code: "bad_request", field });
      }
      expect(await ask(b, "member.add", { users: [String(cyd.id)] })).toMatchObject({ code: "forbidden" });
      const owner = { users: [String(cyd.id)], role: "owner" };
      await ask(a, "member.role", { user: String(bob.id), role: "moderator" });
      expect(await ask(b, "member.add", owner)).toMatchObject({ code: "forbidden" });
      expect(await ask(b, "member.add", { users: [String(cyd.id)], role: "guest" })).toMatchObject({
        code: "bad_request",
        field: "role",
      });
    });

    test("[GW-16.4] members come in pages and by name; guests, too, and who looks at the room", async () => {
      const { one, ada, bob, home, a, b, ask } = await setting();
      const guest = { kind: "guest" as const, id: "a".repeat(40), name: "Zoë" };
      await one.store.transaction(async (tx) => {
        await tx.lockRooms([home.id]);
        const { kind: _, id, name } = guest;
        await tx.putMembers(home.id, [
          { member: `g:${id}`, userId: null, name, role: "guest", guestSeed: "s" },
        ]);
        await tx.appendEvents(home.id, [
          { type: "member.joined", actor: guest, data: { member: guest, role: "guest" } },
        ]);
      });
      await ask(b, "open");
      const first = await ask(a, "members", { limit: 2 });
      expect(first.members).toEqual([
        { user: expect.objectContaining({ id: String(ada.id) }), role: "owner" },
        {
          user: expect.objectContaining({ id: String(bob.id) }),
          ...{ role: "user", lastPing: expect.any(Number), present: true },
        },
      ]);
      const second = await ask(a, "members", { limit: 2, after: first.next });
      expect(second).toEqual({ op: "ok", ref: second.ref, members: [{ user: guest, role: "guest" }] });
      await ask(b, "close");
      const [found] = (await ask(a, "members", { query: "bO" })).members as object[];
      expect(found).not.toHaveProperty("present");
      expect(found).toHaveProperty("lastPing");
      expect(ids(await ask(a, "members", { query: "zOë" }))).toEqual([guest.id]);
      expect(ids(await ask(a, "members", { query: "nobody" }))).toEqual([]);
      for (const [more, field] of [
        [{ after: "nonsense" }, "after"],
        [{ limit: LIMITS.MEMBERS_MOST + 1 }, "limit"],
        [{ query: "x".repeat(LIMITS.MEMBERS_QUERY_CODE_POINTS + 1) }, "query"],
        [{ query: "\0" }, "query"],
      ] as const) {
        expect(await ask(a, "members", more)).toMatchObject({ code: "bad_request", field });
      }
    });

    test("[GW-16.6] who is taken out hears it and no more; a repetition changes nothing", async () => {
      const { one, ada, bob, home, a, b, c, ask } = await setting();
      expect(await ask(b, "member.remove", { user: String(ada.id) })).toMatchObject({ code: "forbidden" });
      expect(await ask(c, "member.remove", { user: String(bob.id) })).toMatchObject({ code: "not_found" });
      const answer = await ask(a, "member.remove", { user: String(bob.id) });
      expect(answer).toEqual(answerOf(await b.next(event("member.left"))));
      expect(await ask(a, "member.remove", { user: String(bob.id) })).toEqual(unchanged(home.token));
      expect(await ask(a, "member.remove", { user: "g".repeat(40) })).toEqual(unchanged(home.token));
      await say(one, ada, home, "he is gone");
      expect(await ask(b, "history")).toMatchObject({ code: "not_found" });
      const left = await ask(a, "member.remove", { user: String(ada.id) });
      expect(left).toEqual(
        answerOf(await a.next((frame) => frame.type === "member.left" && frame.seq === left.seq)),
      );
    });

    test("[GW-16.7] a role is changed once, by who may, and somebody always moderates", async () => {
      const { ada, bob, cyd, home, a, b, ask } = await setting();
      const user = String(bob.id);
      expect(await ask(b, "member.role", { user, role: "owner" })).toMatchObject({ code: "forbidden" });
      const answer = await ask(a, "member.role", { user, role: "moderator" });
      const changed = await b.next(event("member.changed"));
      expect(changed.data).toEqual({ member: { kind: "user", id: user, name: "Bob" }, role: "moderator" });
      expect(answer).toEqual(answerOf(changed));
      expect(await ask(a, "member.role", { user, role: "moderator" })).toEqual(unchanged(home.token));
      expect(await ask(b, "member.role", { user: String(ada.id), role: "user" })).toMatchObject({
        code: "forbidden",
      });
      await ask(a, "member.role", { user, role: "user" });
      expect(await ask(a, "member.role", { user: String(ada.id), role: "user" })).toMatchObject({
        ...{ code: "bad_request", field: "role" },
      });
      expect(await ask(a, "member.role", { user: String(cyd.id), role: "user" })).toMatchObject({
        ...{ code: "not_found", field: "user" },
      });
      expect(await ask(a, "member.role", { user, role: "guest" })).toMatchObject({
        ...{ code: "bad_request", field: "role" },
      });
    });

    test("[GW-16.8] who leaves is answered the same when they say it again; the room has a new owner", async () => {
      const { bob, home, a, b, c, ask } = await setting();
      const answer = await ask(a, "room.leave");
      expect(answer).toEqual(answerOf(await a.next(event("member.left"))));
      expect(await ask(a, "room.leave")).toEqual(unchanged(home.token));
      expect(await ask(c, "room.leave")).toMatchObject({ code: "not_found", field: "room" });
      expect((await b.next(event("member.changed"))).data).toMatchObject({
        ...{ member: { id: String(bob.id) }, role: "owner" },
      });
      expect(await ask(a, "room.delete")).toMatchObject({ code: "not_found" });
    });

    test("[GW-16.9] [GW-11.3] who moderates deletes the room for all, and may say it again", async () => {
      const { home, a, b, c, ask } = await setting();
      expect(await ask(b, "room.delete")).toMatchObject({ code: "forbidden" });
      expect(await ask(c, "room.delete")).toMatchObject({ code: "not_found" });
      expect(await ask(a, "room.delete")).toEqual({ op: "ok", ref: expect.anything(), room: home.token });
      await b.next(event("room.deleted"));
      expect(await ask(a, "room.delete")).toEqual(unchanged(home.token));
      expect(await ask(a, "room.leave")).toMatchObject({ code: "not_found" });
      expect(await ask(c, "room.delete")).toMatchObject({ code: "not_found" });
    });

    test("[GW-16.18] a group comes in as a whole, or nobody; an address opens the room", async () => {
      const { one, ada, bob, cyd, home, a, b, c, ask } = await setting();
      const { directory } = one.useCases;
      const stranger = await person(one, "Eve");
      const { id } = await directory.createOrganization({ name: "Elsewhere" });
      await directory.putOrganizationUser(id, stranger.id, "member");
      const group = `crew-${home.token}`;
      const handles = await one.store.users.byIds([ada.id, bob.id, cyd.id, stranger.id]);
      await directory.putGroup(group, { name: "Crew", members: handles.map(({ handle }) => handle) });
      const forbidden = { code: "forbidden" };
      expect(await ask(b, "member.add", { group })).toMatchObject(forbidden);
      expect(await ask(b, "member.add", { email: "eve@example.org" })).toMatchObject(forbidden);
      const answer = await ask(a, "member.add", { group, role: "moderator" });
      const joined = await c.next(event("member.joined"));
      expect(joined.data).toMatchObject({ member: { id: String(cyd.id) }, role: "moderator" });
      expect(answer).toEqual(answerOf(joined));
      expect(await ask(a, "member.add", { group })).toEqual(unchanged(home.token));
      expect(ids(await ask(a, "members"))).toEqual([ada, bob, cyd].map((one) => String(one.id)));
      const opened = await ask(a, "member.add", { email: "eve@example.org" });
      expect(opened).toEqual(answerOf(await c.next(event("room.changed"))));
      expect(await ask(a, "member.add", { email: "eve@example.org" })).toEqual(unchanged(home.token));
      const users = [String(cyd.id)];
      for (const [more, code, field] of [
        [{ group: "nobody's" }, "not_found", "group"],
        [{ group: "" }, "not_found", "group"],
        [{ email: "not an address" }, "bad_request", "email"],
        [{ email: "eve@example.org", role: "user" }, "bad_request", "role"],
        [{}, "bad_request", "users"],
        [{ users, group }, "bad_request", "users"],
      ] as const) {
        expect(await ask(a, "member.add", more), JSON.stringify(more)).toMatchObject({ code, field });
      }
    });

    test("[GW-16.17] a one-to-one room is deleted for both, and while one blocks the other for oneself", async () => {
      const { one, ada, bob, cyd, home, ask, session } = await setting();
      const [a, b] = [await session(ada), await session(bob)];
      const opened = async () => (await one.useCases.oneToOne.open(ada.actor, bob.actor)).room.token;
      const room = await opened();
      await a.next(({ op, room }) => op === "room" && (room as { type?: string }).type === "one_to_one");
      const both = { room, forBoth: true };
      expect(await ask(await session(cyd), "room.delete", both)).toMatchObject({ code: "not_found" });
      expect(await ask(b, "room.delete", both)).toEqual({ op: "ok", ref: expect.anything(), room });
      await a.next((frame) => frame.type === "room.deleted" && frame.room === room);
      for (const one of [a, b]) expect(await ask(one, "room.delete", both)).toEqual(unchanged(room));

      const again = { room: await opened(), forBoth: true };
      expect(again.room).not.toBe(room);
      await ask(b, "block", { room: undefined, user: String(ada.id) });
      expect(await ask(a, "room.delete", again)).not.toHaveProperty("duplicate");
      expect(await ask(a, "room.delete", again)).toEqual(unchanged(again.room));
      expect(await ask(b, "history", { room: again.room })).toMatchObject({ op: "ok" });

      for (const one of [a, b]) {
        expect(await ask(one, "room.delete", { forBoth: true })).toMatchObject({
          ...{ code: "bad_request", field: "room" },
        });
      }
      expect(await ask(a, "history"), home.token).toMatchObject({ op: "ok" });
    });

    test("[GW-16.3] a one-to-one room has no such changes, and can be left", async () => {
      const { one, ada, bob, cyd, ask, session } = await setting();
      const { room: pair } = await one.useCases.oneToOne.open(ada.actor, bob.actor);
      const a = await session(ada);
      const inPair = { room: pair.token };
      for (const [op, more] of [
        ["member.add", { users: [String(cyd.id)] }],
        ["member.remove", { user: String(bob.id) }],
        ["member.role", { user: String(bob.id), role: "user" }],
        ["room.delete", {}],
      ] as const) {
        expect(await ask(a, op, { ...inPair, ...more }), op).toMatchObject({ code: "bad_request" });
      }
      expect(ids(await ask(a, "members", inPair))).toEqual([String(ada.id), String(bob.id)]);
      expect(await ask(a, "room.leave", inPair)).toMatchObject({ op: "ok", room: pair.token });
    });
  });
});
