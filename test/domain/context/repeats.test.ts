/** Requests under keys of their clients: the same id for 24 hours, for the same request of the same caller. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { KeyReused } from "../../../src/domain/context/repeats.ts";
import { DomainError } from "../../../src/domain/errors.ts";
import { newPublicId } from "../../../src/domain/ids.ts";
import { type Actor, SYSTEM_ACTOR } from "../../../src/domain/model.ts";
import { forgetRequests } from "../../../src/store/log/repeats.ts";
import { describeDomain, refused } from "../world.ts";

describeDomain("a request under a key", (world) => {
  const request = (more: object = {}) => ({
    caller: "u:1",
    scope: "here",
    key: randomUUID(),
    body: "a",
    ...more,
  });
  const age = (ms: number) =>
    world.store.sql`update repeatable_requests set created_at = causeway_now() - ${ms}`;
  const HOURS_24 = 24 * 3_600_000;

  test("has the same id whenever it is repeated, and an id of its own for each caller, scope and key", async () => {
    const { repeats } = world.useCases;
    const one = request();
    const ids = [one, { ...one, caller: "u:2" }, { ...one, scope: "there" }, { ...one, key: "other" }];
    const first = await Promise.all([...ids, ...ids].map(async (each) => (await repeats.begin(each)).id));
    expect(new Set(first).size).toBe(4);
    await expect(repeats.begin({ ...one, body: "b" })).rejects.toBeInstanceOf(KeyReused);
  });

  test("is remembered for 24 hours, and swept then", async () => {
    const { repeats } = world.useCases;
    const one = request();
    const { id } = await repeats.begin(one);
    await age(HOURS_24 - 60_000);
    expect((await repeats.begin(one)).id).toBe(id);
    await age(HOURS_24);
    const later = await repeats.begin({ ...one, body: "b" });
    expect(later.id).not.toBe(id);
    expect((await repeats.begin({ ...one, body: "b" })).id).toBe(later.id);
    await age(HOURS_24);
    await forgetRequests(world.store);
    expect(await world.store.sql`select from repeatable_requests`).toHaveLength(0);
  });

  test("that was refused leaves its key, one whose outcome is unknown keeps it", async () => {
    const { repeats } = world.useCases;
    const fail = (code: "bad_request" | "unavailable") => () => Promise.reject(new DomainError(code));
    const one = request();
    await expect(repeats.run(one, fail("bad_request"))).rejects.toThrow();
    expect(await repeats.run({ ...one, body: "b" }, async (id) => id)).toEqual(expect.any(String));
    const two = request();
    await expect(repeats.run(two, fail("unavailable"))).rejects.toThrow();
    await expect(repeats.begin({ ...two, body: "b" })).rejects.toBeInstanceOf(KeyReused);
  });

  test("keeps its id when it was refused: another of the same may have been carried out at that time", async () => {
    const { repeats } = world.useCases;
    const one = request();
    const [first, twin] = [await repeats.begin(one), await repeats.begin(one)];
    await first.failed();
    const other = await repeats.begin({ ...one, body: "b" });
    await other.failed();
    const last = await repeats.begin(one);
    expect([twin.id, other.id, last.id]).toEqual([first.id, first.id, first.id]);
    await expect(repeats.begin({ ...one, body: "b" })).rejects.toBeInstanceOf(KeyReused);
  });

  test("makes no room again that its maker was in when it was deleted; made again it can be deleted again", async () => {
    const { roomLifecycle } = world.useCases;
    const ada = await world.person();
    const members = [{ member: ada.actor, role: "user" as const }];
    const make = (maker: Actor, publicId: string) =>
      roomLifecycle.create(maker, { type: "group", name: "Once", publicId, members });
    const [mine, system] = [newPublicId(), newPublicId()];
    const { token } = await make(ada.actor, mine);
    await roomLifecycle.delete(ada.actor, token);
    await refused(make(ada.actor, mine), "not_found");
    for (let i = 0; i < 2; i++) {
      const again = await make(SYSTEM_ACTOR, system);
      await roomLifecycle.delete(SYSTEM_ACTOR, again.token);
    }
    expect(await world.store.rooms.byPublicId(system)).toBeNull();
  });

  test("is kept as hashes, of which the text is no part", async () => {
    await world.useCases.repeats.begin(request({ body: "a secret text", key: "a secret key" }));
    const rows = await world.store.sql<{ text: string }[]>`
      select encode(key, 'escape') || encode(request, 'escape') as text from repeatable_requests`;
    expect(rows.some(({ text }) => text.includes("secret"))).toBe(false);
  });
});
