/** Readers that are no sessions: what they hear is whole and in order, wherever it was committed. */
import { describe, expect, test, vi } from "vitest";
import type { LoggedEvent } from "../../../src/domain/model.ts";
import { channels } from "../../../src/domain/ports/bus.ts";
import type { PostgresStore } from "../../../src/store/postgres.ts";
import { describeWith } from "../../services/need.ts";
import { person, places, type Room, room, say, site } from "../fixtures.ts";

const LIMIT = { timeout: 15_000 };

/** Collects what a reader hears. */
function ear() {
  const events: LoggedEvent[] = [];
  return {
    reader: { event: (event: LoggedEvent) => void events.push(event) },
    events,
    seqs: ({ id }: Room) => events.filter((one) => one.roomId === id).map(({ seq }) => seq),
    texts: () => events.flatMap((one) => (one.type === "message" ? [JSON.parse(one.dataJson).text] : [])),
  };
}

describeWith("postgres", "the feed", ({ postgres }) => {
  const { node, raw } = site(postgres.url);

  describe.each(places(node))("of what is committed %s", (_, nodes) => {
    test("a room's reader hears every event after its head, once and in order, until it stops", async () => {
      const { here, there } = await nodes();
      const ada = await person(there, "Ada");
      const home = await room(there, [ada]);
      const { reader, texts, seqs } = ear();
      const { head, stop } = await here.gateway.feed.followRoom(home.id, reader);
      const wanted = Array.from({ length: 30 }, (__, n) => `line ${n}`);
      for (const text of wanted) await say(there, ada, home, text);
      await vi.waitFor(() => expect(texts()).toEqual(wanted), LIMIT);
      expect(seqs(home)).toEqual(wanted.map((__, n) => head + 1 + n));
      stop();
      stop();
      const { reader: second, texts: later } = ear();
      await here.gateway.feed.followRoom(home.id, second);
      await say(there, ada, home, "after");
      await vi.waitFor(() => expect(later()).toEqual(["after"]), LIMIT);
      expect(texts()).toEqual(wanted);
    });

    test("a user's reader hears that their connections changed", async () => {
      const { here, there } = await nodes();
      const [ada, bob] = [await person(there, "Ada"), await person(there, "Bob")];
      let told = 0;
      const reader = { event: () => {}, connections: () => void told++ };
      await here.gateway.feed.followUser(bob, reader);
      const named = await there.store.users.byId(bob.id);
      await there.useCases.connections.connect(ada.actor, named?.uuid ?? "");
      await vi.waitFor(() => expect(told).toBeGreaterThan(0), LIMIT);
    });

    test("a user's reader follows rooms from their own member.joined to their member.left", async () => {
      const { here, there } = await nodes();
      const [ada, bob] = [await person(there, "Ada"), await person(there, "Bob")];
      const [old, next] = [await room(there, [ada, bob]), await room(there, [ada])];
      const { reader, events, texts } = ear();
      await here.gateway.feed.followUser(bob, reader);
      await say(there, ada, old, "in the old room");
      await say(there, ada, next, "not for Bob");
      await there.useCases.roomLifecycle.addMembers(ada.actor, next.token, [
        { member: bob.actor, role: "user" },
      ]);
      await say(there, ada, next, "in the new room");
      await vi.waitFor(() => expect(texts()).toContain("in the new room"), LIMIT);
      await there.useCases.roomLifecycle.removeMember(ada.actor, next.token, bob.actor);
      await say(there, ada, next, "no longer for Bob");
      await say(there, ada, old, "the end");
      await vi.waitFor(() => expect(texts()).toContain("the end"), LIMIT);
      const ofNext = () => events.filter(({ roomId }) => roomId === next.id);
      await vi.waitFor(() => expect(ofNext().at(-1)?.type).toBe("member.left"), LIMIT);
      expect(ofNext().map(({ type }) => type)).toEqual(["member.joined", "message", "member.left"]);
      expect(texts().toSorted()).toEqual(["in the new room", "in the old room", "the end"]);
    });
  });

  test("typing and read markers reach a user's reader, and a deleted user's reader is told so", async () => {
    const here = await node();
    const [ada, bob] = [await person(here, "Ada"), await person(here, "Bob")];
    const home = await room(here, [ada, bob]);
    const typing = vi.fn();
    const marker = vi.fn();
    const gone = vi.fn();
    await here.gateway.feed.followUser(bob, { event: () => {}, typing, marker, gone });
    const client = await raw(here);
    await client.hello(ada.token);
    const { seq } = await say(here, ada, home, "read me");
    await client.ask({ op: "open", ref: 1, room: home.token });
    await client.ask({ op: "typing", ref: 2, room: home.token, on: true });
    await vi.waitFor(() => expect(typing).toHaveBeenCalledOnce(), LIMIT);
    expect(typing).toHaveBeenCalledWith({ roomId: home.id, actor: ada.actor, on: true });
    const reading = await raw(here);
    await reading.hello(bob.token);
    await reading.ask({ op: "read", ref: 1, room: home.token, seq });
    await vi.waitFor(() => expect(marker).toHaveBeenCalledOnce(), LIMIT);
    expect(marker).toHaveBeenCalledWith({ roomId: home.id, read: seq, unread: 0, mention: 0 });
    await here.useCases.directory.deleteUser(bob.id);
    await vi.waitFor(() => expect(gone).toHaveBeenCalledOnce(), LIMIT);
  });

  test("a user's reader hears what is in no log of a room that the user joined while the reader began", async () => {
    let list = () => {};
    const mayList = new Promise<void>((resolve) => {
      list = resolve;
    });
    let begins = false;
    const slow = (store: PostgresStore): PostgresStore => {
      const sessionRooms: typeof store.roomLists.sessionRooms = async (...asked) => {
        begins = true;
        await mayList;
        return store.roomLists.sessionRooms(...asked);
      };
      // Nobody is let into a lobby that is asked about: an open one has to be known from the list of rooms.
      const roles: typeof store.memberships.roles = () => new Promise(() => {});
      return {
        ...store,
        sql: store.sql,
        roomLists: { ...store.roomLists, sessionRooms },
        memberships: { ...store.memberships, roles },
      };
    };
    const here = await node({ store: slow });
    const [ada, bob] = [await person(here, "Ada"), await person(here, "Bob")];
    const typing = vi.fn();
    const following = here.gateway.feed.followUser(bob, { event: () => {}, typing });
    await vi.waitFor(() => expect(begins).toBe(true), LIMIT);
    const joined = vi.fn();
    await here.bus.subscribe(channels.user(bob.id), joined);
    const home = await room(here, [ada, bob]);
    await vi.waitFor(() => expect(joined).toHaveBeenCalled(), LIMIT);
    list();
    await following;
    await here.useCases.presence.typing(ada.actor, home.token, true, "a session");
    await vi.waitFor(() => expect(typing).toHaveBeenCalledOnce(), LIMIT);
    expect(typing).toHaveBeenCalledWith({ roomId: home.id, actor: ada.actor, on: true });
  });

  test("a room that is not there is not_found, and rooms with news wake whoever follows all", async () => {
    const here = await node();
    const ada = await person(here, "Ada");
    const home = await room(here, [ada]);
    await expect(here.gateway.feed.followRoom(999_999_999, ear().reader)).rejects.toMatchObject({
      code: "not_found",
    });
    const wake = vi.fn();
    const { stop } = await here.gateway.feed.followAll(wake);
    await say(here, ada, home, "anything");
    await vi.waitFor(() => expect(wake).toHaveBeenCalledWith([home.id]), LIMIT);
    stop();
  });
});
