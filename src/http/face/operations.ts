/** Probes and metrics, without authentication. */
import { Hono } from "hono";
import type { HttpEnv } from "./face.ts";

export interface Health {
  ok: boolean;
  /** By part: store, hot, bridge. `degraded`: the part is not ok, but the process counts as ready. */
  parts: Record<string, { ok: boolean; degraded?: boolean; detail?: string }>;
}

export interface OperationsOptions {
  health: () => Promise<Health>;
  metrics: () => Promise<{ body: string; contentType: string }>;
}

/** Not rate-limited, so that nobody can lock a probe out. They cost next to nothing. */
export const PROBE_PATHS = ["/healthz", "/readyz"] as const;
export const METRICS_PATHS = ["/metrics"] as const;

export function createProbes({ health }: Pick<OperationsOptions, "health">): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  const look = oneAtATime(health);
  app.get("/healthz", (c) => c.json({ ok: true }));
  app.get("/readyz", async (c) => {
    const state = await look();
    return c.json(state, state.ok ? 200 : 503);
  });
  return app;
}

export function createMetrics({ metrics }: Pick<OperationsOptions, "metrics">): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  const count = oneAtATime(metrics);
  app.get("/metrics", async (c) => {
    const { body, contentType } = await count();
    return c.body(body, 200, { "Content-Type": contentType });
  });
  return app;
}

/** Calls during a run share its result. */
function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | null = null;
  return () => {
    underWay ??= work().finally(() => {
      underWay = null;
    });
    return underWay;
  };
}
