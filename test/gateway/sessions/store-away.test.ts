/** [GW-10.6] A gateway that lost its database sends its sessions away, and refuses hello in a pace that it dictates. */
import { expect, test, vi } from "vitest";
import { describeWith } from "../../services/need.ts";
import { flakyProxy } from "../../store/flaky-proxy.ts";
import { person, site } from "../fixtures.ts";

describeWith("postgres", "a gateway without its database", async ({ postgres }) => {
  const proxy = await flakyProxy(postgres.url);
  const { node, raw } = site(proxy.url);

  test("[GW-10.6] ends its sessions with 4005, refuses hello with a pace, and serves again afterwards", async () => {
    const here = await node();
    const { token } = await person(here, "Ada");
    const is = (op: string) => (frame: { op?: unknown }) => frame.op === op;
    const greeted = async (ref: number) => {
      const client = await raw(here);
      client.say({ op: "hello", ref, token });
      return client;
    };
    const session = await greeted(1);
    await session.next(is("ready"));
    proxy.cut();
    expect(await session.closed).toMatchObject({ code: 4005 });
    expect(await session.next(is("bye"))).toMatchObject({ code: 4005 });
    const back = await greeted(2);
    expect(await back.closed).toMatchObject({ code: 4005 });
    const refusal = await back.next();
    expect(refusal).toMatchObject({ op: "error", ref: 2, code: "unavailable" });
    const { reconnectMs } = await back.next();
    expect(reconnectMs).toBeGreaterThanOrEqual(5_000);
    // Whoever goes by the refusal, before the goodbye is there, waits as long.
    expect(refusal.retryAfterMs).toBe(reconnectMs);
    proxy.resume();
    await vi.waitFor(() => expect(here.store.health.condition.state).toBe("ok"), { timeout: 10_000 });
    await (await greeted(3)).next(is("ready"));
  });
});
