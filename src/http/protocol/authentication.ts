/** Authentication of Protocol: users with a token (`Authorization: Bearer`) or handle and password (`Basic`). */
import type { MiddlewareHandler } from "hono";
import { auth as basicOf } from "hono/utils/basic-auth";
import { DomainError } from "../../domain/errors.ts";
import { type Actor, type User, userActor } from "../../domain/model.ts";
import type { Accounts } from "../../domain/use-cases/accounts.ts";
import { isOpenToForms } from "../face/browsers.ts";
import type { HttpContext, HttpEnv } from "../face/face.ts";
import { authenticateUser, bearerOf } from "../requests/credentials.ts";
import type { RequestLimits } from "../requests/request-limits.ts";

export function authentication(accounts: Accounts, limits: RequestLimits): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const principal = await principalOf(c, accounts);
    await limits.byCaller(principal);
    c.set("principal", principal);
    await next();
  };
}

async function principalOf(c: HttpContext, accounts: Accounts) {
  const token = bearerOf(c.req.header("Authorization"));
  if (token !== null) return await authenticateUser(accounts, token);
  const basic = basicOf(c.req.raw);
  if (basic) requireExplicitForm(c);
  if (basic) return await accounts.authenticateBasic(basic.username, basic.password, c.env.ip);
  throw new DomainError("unauthorized", "Send Authorization: Bearer with a token, or Basic with a handle");
}

/** A header that no HTML form can add, and no script of another site without permission by CORS. */
const EXPLICIT = "X-Requested-With";

/** Refuses forms with a password that a browser may have added: browsers send it with the forms of any page. */
function requireExplicitForm(c: HttpContext): void {
  if (!isOpenToForms(c) || c.req.header(EXPLICIT)) return;
  throw new DomainError(
    "forbidden",
    `A form that comes with Basic needs the header ${EXPLICIT}, with any value; or send a token as Bearer, or the body as JSON`,
  );
}

export interface Caller {
  user: User;
  actor: Actor;
}

export function callerOf(c: HttpContext): Caller {
  const principal = c.get("principal");
  if (principal.kind !== "user") throw new DomainError("unauthorized", "This API is for users");
  return { user: principal.user, actor: userActor(principal.user) };
}
