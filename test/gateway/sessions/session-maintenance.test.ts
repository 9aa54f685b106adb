/** The regular look at connections. */
import { expect, test, vi } from "vitest";
import type { Session } from "../../../src/gateway/sessions/session.ts";
import { createSessionMaintenance } from "../../../src/gateway/sessions/session-maintenance.ts";

function maintenance() {
  const [put, note] = [vi.fn(async () => undefined), vi.fn()];
  const clock = { now: () => 1_000_000 };
  const one = createSessionMaintenance({
    ...{ node: "n", clock, heartbeatMs: 25_000, notes: { note }, logger: { warn: vi.fn() } },
    hot: { sessions: { put, remove: vi.fn() } } as never,
    calls: { refresh: vi.fn() },
    slow: { look: () => true } as never,
  });
  return { one, put, note };
}

function session(more: object = {}): Session {
  const fields = { id: "s", state: "ready", startedAt: 100, lastHeard: 100, registeredAt: 0, notedAt: 0 };
  return { ...fields, identity: null, calls: null, ...more } as unknown as Session;
}

test("a session is registered with the first look, also where the process is a moment old", () => {
  const { one, put, note } = maintenance();
  const sessions = new Set([session()]);
  one.visit(sessions, 200);
  expect([put, note].map((each) => each.mock.calls.length)).toEqual([1, 1]);
  one.visit(sessions, 300);
  expect([put, note].map((each) => each.mock.calls.length)).toEqual([1, 1]);
});
