/** Lines of the log for those who watch over a server: who did what, from where. None holds a secret. */
import type { Logger } from "../../logger.ts";
import type { HttpContext } from "./face.ts";

export type AuditLog = Pick<Logger, "info" | "warn">;

/** What an administrator did, or was refused, once it is answered. @param by a user's handle, or the name of the token */
export function logAct(logger: AuditLog, c: HttpContext, by: string, status: number): void {
  if (c.req.method === "GET" || c.req.method === "HEAD") return;
  logger.info({ event: "admin.act", by, status, ...whence(c) }, "an administrator acted");
}

/** What was asked, and from where. Never the query, which may hold a token. */
export function whence({ req, env }: HttpContext): object {
  const { method, path } = req;
  return { method, path, ip: env.ip, requestId: env.requestId };
}
