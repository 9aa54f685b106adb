/** [GW-15.1] to [GW-15.3] The entries of rooms. */
import { expect, test } from "vitest";
import type { RoomEntry } from "../../../src/protocol/frames.ts";
import { describeWith } from "../../services/need.ts";
import { type Node, type Person, person, room, say, site } from "../fixtures.ts";

describeWith("postgres", "the entry of a room", ({ postgres }) => {
  const { node, raw } = site(postgres.url);

  async function entriesOf(one: Node, someone: Person): Promise<RoomEntry[]> {
    const client = await raw(one);
    const ready = await client.hello(someone.token);
    return ready.rooms as RoomEntry[];
  }

  test("[GW-15.1] tells what the room is, who is in it, and what the member set for themselves", async () => {
    const one = await node();
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const { id, token } = await room(one, [ada, bob], "Team");
    const { seq } = await say(one, ada, { id, token }, "Read this");
    await one.useCases.pins.pin(ada.actor, token, seq);
    const { memberSettings, roomSettings } = one.useCases;
    await roomSettings.update(ada.actor, token, {
      description: "All of us",
      avatarUrl: "https://a.example/b.png",
    });
    await roomSettings.setMessageTimer(ada.actor, token, 60_000);
    await roomSettings.setLobby(ada.actor, token, { on: true, until: 4_000_000_000_000 });
    await memberSettings.change(ada.actor, token, {
      favourite: true,
      muted: true,
      notificationLevel: "never",
    });
    const [mine] = await entriesOf(one, ada);
    const found = await one.useCases.finding.view(ada.actor, { token });
    expect(mine).toMatchObject({
      ...{ room: token, name: "Team", type: "group", role: "owner", members: 2, description: "All of us" },
      ids: { id: String(id), uuid: found.room.uuid, publicId: found.room.publicId },
      ...{
        avatar: "https://a.example/b.png",
        messageTimer: 60_000,
        lobby: true,
        lobbyUntil: 4_000_000_000_000,
      },
      ...{ readOnly: false, posting: "all", hasPassword: false, pinned: [seq] },
      settings: { muted: true, pinned: false, archived: false, favorite: true, notify: "none" },
    });
    for (const field of ["peer", "guestLink", "organization", "waiting"])
      expect(mine).not.toHaveProperty(field);
    const [others] = await entriesOf(one, bob);
    expect(others).toMatchObject({ waiting: true, pinned: [], last: null });
    expect(others?.settings).toEqual({
      ...{ muted: false, pinned: false, archived: false, favorite: false, notify: "mentions" },
    });
  });

  test("[GW-15.1] has the guest link and the picture as URLs", async () => {
    const one = await node();
    const ada = await person(one, "Ada");
    const { token } = await room(one, [ada]);
    const { roomSettings, guestLinks } = one.useCases;
    await roomSettings.setAccess(ada.actor, token, { access: ["invite", "code"], accessRole: "activated" });
    await guestLinks.create(ada.actor, token);
    const { key, code } = await guestLinks.get(ada.actor, token);
    const [entry] = await entriesOf(one, ada);
    expect(entry?.guestLink).toBe(`${one.url}/conversations/join?key=${key}&code=${code}`);
  });

  test("[GW-15.2] of a one-to-one room has the other's name, and who it is", async () => {
    const one = await node();
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    await room(one, [ada, bob]);
    await one.useCases.oneToOne.open(ada.actor, bob.actor);
    for (const [someone, other] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      const entry = (await entriesOf(one, someone)).find(({ type }) => type === "one_to_one");
      const peer = { id: String(other.id), uuid: other.uuid, name: other.name };
      expect(entry).toMatchObject({ name: other.name, peer, members: 2, settings: { notify: "all" } });
    }
    await one.useCases.oneToOne.openSelf(ada.actor);
    const own = (await entriesOf(one, ada)).find(({ members }) => members === 1);
    expect(own).toMatchObject({ name: "Ada", peer: { id: String(ada.id) } });
  });

  test("[GW-15.1] counts who is in the room, whatever brought them in or out", async () => {
    const one = await node();
    const people = [];
    for (const name of ["Ada", "Bob", "Eve"]) people.push(await person(one, name));
    const [ada, bob, eve] = people as [Person, Person, Person];
    const { token } = await room(one, [ada, bob]);
    const { roster } = one.useCases;
    const count = async () => (await one.useCases.roomEntries.of(ada.actor, token)).shown.members;
    expect(await count()).toBe(2);
    await one.useCases.roomSettings.update(ada.actor, token, { members: [ada.actor, eve.actor, bob.actor] });
    expect(await count()).toBe(3);
    await roster.removeSelf(bob.actor, token);
    expect(await count()).toBe(2);
    await expect(one.useCases.roomEntries.of(bob.actor, token)).rejects.toMatchObject({ code: "not_found" });
  });
});
