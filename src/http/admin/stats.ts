/** Figures about the running server. */
import { createRoute, z } from "@hono/zod-openapi";
import { type HttpApp, json } from "../face/face.ts";
import { REFUSALS } from "./failures.ts";

export function registerStats(app: HttpApp, stats: () => Promise<object>): void {
  app.openapi(ROUTE, async (c) => c.json({ ...(await stats()) }, 200));
}

const ROUTE = createRoute({
  method: "get",
  path: "/admin/v1/stats",
  summary: "Connections, sessions, rooms, queue depths, bridge lag",
  responses: { 200: json(z.looseObject({}), "The figures"), ...REFUSALS },
});
