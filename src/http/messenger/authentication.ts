/** Authentication of Messenger: organizations with `API-TOKEN`, users with `Personal-Access-Token` or Bearer. */
import type { MiddlewareHandler } from "hono";
import { DomainError } from "../../domain/errors.ts";
import type { Principal } from "../../domain/model.ts";
import type { Accounts } from "../../domain/use-cases/accounts.ts";
import type { HttpContext, HttpEnv } from "../face/face.ts";
import { bearerOf, type UserPrincipal } from "../requests/credentials.ts";
import type { RequestLimits } from "../requests/request-limits.ts";

export function authentication(accounts: Accounts, limits: RequestLimits): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const principal = await principalOf(c, accounts);
    await limits.byCaller(principal);
    c.set("principal", principal);
    await next();
  };
}

async function principalOf(c: HttpContext, accounts: Accounts): Promise<Principal> {
  const apiToken = c.req.header("API-TOKEN");
  const personal = c.req.header("Personal-Access-Token") ?? bearerOf(c.req.header("Authorization"));
  if (apiToken && personal)
    throw new DomainError("bad_request", "Send API-TOKEN or Personal-Access-Token, not both", {
      field: "API-TOKEN",
    });
  const token = apiToken || personal;
  if (!token) throw new DomainError("unauthorized", "Send an API-TOKEN or a Personal-Access-Token header");
  const principal = await accounts.authenticate(token);
  if (apiToken && principal.kind !== "organization")
    throw new DomainError("unauthorized", "API-TOKEN takes the token of an organization");
  if (personal && principal.kind !== "user")
    throw new DomainError("unauthorized", "Personal-Access-Token takes the token of a user");
  return principal;
}

/** The calling user. @throws DomainError for organizations, which may not use these operations */
export function callingUser(c: HttpContext): UserPrincipal {
  const principal = c.get("principal");
  if (principal.kind !== "user")
    throw new DomainError("forbidden", "An API-TOKEN has no Matrix account: send a Personal-Access-Token");
  return principal;
}
