import { expect, test } from "vitest";
import { createHealth } from "../../../src/app/health/health.ts";
import { DomainError } from "../../../src/domain/errors.ts";
import type { StoreHealth } from "../../../src/domain/ports/store-health.ts";

const ok: StoreHealth = {
  condition: { state: "ok", since: 0, detail: null },
  isAway: false,
  onAway: () => () => {},
};
const well = { health: ok, ping: async () => {} };
const away = {
  health: ok,
  async ping() {
    throw new DomainError("unavailable", "Redis can't be reached; try again");
  },
};

test("hot state that is away is named, and the process stays ready: chat works without", async () => {
  const detail = "Redis can't be reached; try again";
  expect(await createHealth(well, away, {})()).toEqual({
    ok: true,
    parts: { store: { ok: true }, hot: { ok: false, degraded: true, detail } },
  });
});

test("any other part that is away makes the process not ready", async () => {
  expect(await createHealth(away, well, {})()).toMatchObject({ ok: false, parts: { store: { ok: false } } });
  const bridge = async () => ({ ok: false, detail: "starting" });
  const health = await createHealth(well, away, { bridge })();
  expect(health).toMatchObject({ ok: false, parts: { bridge: { ok: false }, hot: { degraded: true } } });
  expect(health.parts.bridge).not.toHaveProperty("degraded");
});
