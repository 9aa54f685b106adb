/** For probes and monitoring, without authentication: is it alive, is it ready, what does it count. */
import { Hono } from "hono";
import type { HttpEnv } from "./face.ts";

export interface Health {
  ok: boolean;
  /** Each part by its name: store, hot, bridge. */
  parts: Record<string, { ok: boolean; detail?: string }>;
}

export interface OperationsOptions {
  health: () => Promise<Health>;
  metrics: () => Promise<{ body: string; contentType: string }>;
}

export const OPERATIONS_PATHS = ["/healthz", "/readyz", "/metrics"] as const;

export function createOperations({ health, metrics }: OperationsOptions): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.get("/healthz", (c) => c.json({ ok: true }));
  app.get("/readyz", async (c) => {
    const state = await health();
    return c.json(state, state.ok ? 200 : 503);
  });
  app.get("/metrics", async (c) => {
    const { body, contentType } = await metrics();
    return c.body(body, 200, { "Content-Type": contentType });
  });
  return app;
}
