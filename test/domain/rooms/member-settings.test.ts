import { expect, test } from "vitest";
import type { MembershipSettings } from "../../../src/domain/model.ts";
import { channels } from "../../../src/domain/ports/bus.ts";
import { describeDomain, message, refused } from "../world.ts";

describeDomain("member settings", (world) => {
  test("are the member's own: no event, no other member, and the sends of others are not judged anew", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { memberSettings } = world.useCases;
    const [before] = await world.store.log.heads([room.id]);
    const patch: Partial<MembershipSettings> = {
      favourite: true,
      notificationLevel: "mention",
      pinned: true,
      archivedAt: 5,
      archivedRef: "2026",
      hidden: true,
      hiddenRef: "2027",
      mutedRef: "2028",
    };
    const changed = await memberSettings.change(bob.actor, room.token, patch);
    expect(changed).toMatchObject(patch);
    expect(await memberSettings.get(bob.actor, room.token)).toEqual(changed);
    expect(await world.store.log.heads([room.id])).toEqual([before]);
    expect(await memberSettings.get(ada.actor, room.token)).toMatchObject({
      favourite: false,
      notificationLevel: "default",
      pinned: false,
      archivedAt: null,
      archivedRef: null,
      hidden: false,
      hiddenRef: null,
      mutedRef: null,
    });
  });

  test.each([
    [{ muted: true }, { muted: true, mutedStatus: 1 }],
    [{ mutedStatus: 3 }, { muted: true, mutedStatus: 3 }],
    [{ muted: true }, { muted: true, mutedStatus: 3 }],
    [{ muted: false }, { muted: false, mutedStatus: 0 }],
    [{ muted: false }, { muted: false, mutedStatus: 0 }],
    [{ mutedStatus: null }, { muted: false, mutedStatus: null }],
    [{ muted: false }, { muted: false, mutedStatus: null }],
  ] as const)("muted has two names: after %j it is %j", async (patch, shown) => {
    const before = { muted: shown.mutedStatus === 3, mutedStatus: shown.mutedStatus };
    const ada = await world.person();
    const room = await world.group([ada]);
    const { memberSettings } = world.useCases;
    await memberSettings.change(ada.actor, room.token, { mutedStatus: before.mutedStatus });
    expect(await memberSettings.change(ada.actor, room.token, patch)).toMatchObject(shown);
  });

  test("the user's own sessions and readers hear of a change, nobody hears of none", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const heard: unknown[] = [];
    const listen = (bytes: Uint8Array) => void heard.push(JSON.parse(Buffer.from(bytes).toString()));
    for (const { id } of [ada, bob]) await world.bus.subscribe(channels.user(id), listen);
    await world.useCases.memberSettings.get(bob.actor, room.token);
    // What Wire's clients do not show is no news to readers; what is so already is none to anybody.
    await world.useCases.memberSettings.change(ada.actor, room.token, { pinned: true });
    await world.useCases.memberSettings.change(ada.actor, room.token, { pinned: true });
    await world.useCases.memberSettings.change(ada.actor, room.token, { muted: true });
    const at = expect.any(Number);
    const entry = { hint: "entry", roomId: room.id };
    await expect.poll(() => heard).toEqual([entry, entry, { hint: "settings", roomId: room.id, at }]);
  });

  test("rules: levels, integers, lengths; strangers find no room, and a lobby does not matter", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { memberSettings, roomSettings } = world.useCases;
    const change = (patch: object) => memberSettings.change(bob.actor, room.token, patch);
    await refused(change({ notificationLevel: "loud" }), "bad_request", "notificationLevel");
    await refused(change({ mutedStatus: 2 ** 31 }), "bad_request", "mutedStatus");
    await refused(change({ archivedAt: 0.5 }), "bad_request", "archivedAt");
    await refused(change({ hiddenRef: "x".repeat(257) }), "bad_request", "hiddenRef");
    const stranger = await world.person();
    await refused(memberSettings.change(stranger.actor, room.token, { pinned: true }), "not_found", "room");
    await roomSettings.setLobby(ada.actor, room.token, { on: true });
    await change({ favourite: true });
  });

  test("[D] opening a room and reading in it are noted, sending and being sent to are not", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { memberSettings, messages } = world.useCases;
    const openedAt = async () => (await memberSettings.get(bob.actor, room.token)).lastOpenedAt;
    const { seq } = await messages.send(ada.actor, room.token, message());
    await messages.send(bob.actor, room.token, message());
    expect(await openedAt()).toBeNull();
    const before = Date.now() - 1;
    await memberSettings.opened(bob.actor, [room.id, 999_999]);
    const first = (await openedAt())!;
    expect(first).toBeGreaterThan(before);
    expect((await memberSettings.get(bob.actor, room.token)).readSeq).toBe(seq + 1);
    await expect.poll(() => Date.now()).toBeGreaterThan(first);
    await messages.markRead(bob.actor, room.token, seq);
    expect(await openedAt()).toBeGreaterThan(first);
    expect((await memberSettings.get(ada.actor, room.token)).lastOpenedAt).toBeNull();
  });
});
