/** Log lines about acts of administrators: who did what, and from where. No line holds a secret. */
import type { Logger } from "../../logger.ts";
import type { HttpContext } from "./face.ts";

export type AuditLog = Pick<Logger, "info" | "warn">;

/** Logs an act of an administrator after its answer, a refused one too. @param by a user's handle, or the name of the token */
export function logAct(logger: AuditLog, c: HttpContext, by: string, status: number): void {
  if (c.req.method === "GET" || c.req.method === "HEAD") return;
  logger.info({ event: "admin.act", by, status, ...whence(c) }, "an administrator acted");
}

/** The request and its address. The query is left out, because it may hold a token. */
export function whence({ req, env }: HttpContext) {
  const { method, path } = req;
  return { method, path, ip: env.ip, requestId: env.requestId };
}
