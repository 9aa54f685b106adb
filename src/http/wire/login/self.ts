/** One's own account: the profile, the password, logins, and the end of the account. */
import { DomainError } from "../../../domain/errors.ts";
import { type User, userActor } from "../../../domain/model.ts";
import type { OwnIdentity, OwnProof } from "../../../domain/use-cases/accounts.ts";
import type { UseCases } from "../../../domain/use-cases/use-cases.ts";
import { publicLink } from "../../../public-links.ts";
import type { HttpApp, HttpContext } from "../../face/face.ts";
import type { UserPrincipal } from "../../requests/credentials.ts";
import { given } from "../../requests/fields.ts";
import { callingUser } from "../common/authentication.ts";
import { WireRefusal } from "../shapes/failures.ts";
import { shownUser } from "../shapes/user-shapes.ts";
import { SELF_ROUTES as ROUTES } from "./self-routes.ts";

interface Parts {
  useCases: Pick<UseCases, "accounts" | "accountDeletions" | "lookup" | "ownIdentities" | "ownProfile">;
  /** Of qualified ids. */
  domain(): string;
  publicUrl(): string;
}

export function registerSelf(app: HttpApp, parts: Parts): void {
  const { ownProfile, accountDeletions, lookup } = parts.useCases;

  async function profile(user: User) {
    const [first] = await lookup.organizationsOf(user);
    return selfProfile(user, parts, first?.uuid);
  }

  app.openapi(ROUTES.self, async (c) => c.json(await profile(callingUser(c)), 200));
  app.openapi(ROUTES.change, async (c) => {
    const { privacy, ...patch } = c.req.valid("json");
    const changed = await ownProfile.change(userActor(callingUser(c)), {
      ...given(patch),
      ...(privacy && { privacy: given(privacy) }),
    });
    return c.json(await profile(changed.user), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    const { password, erase = false } = c.req.valid("json");
    const proof = proofOf(c, password);
    return c.json(await accountDeletions.delete(callingUser(c), proof, { erase }).catch(unproven), 200);
  });
  registerLogins(app, parts);
  registerIdentities(app, parts);
}

function registerLogins(app: HttpApp, { useCases: { accounts } }: Parts): void {
  app.openapi(ROUTES.password, async (c) => {
    const { old_password: password, new_password: next } = c.req.valid("json");
    await accounts.changePassword(callingUser(c), next, proofOf(c, password)).catch(unproven);
    return c.body(null, 200);
  });
  app.openapi(ROUTES.sessions, async (c) => {
    const { user, credential } = callerOf(c);
    const sessions = await accounts.sessions(user.id, credential);
    const shown = sessions.map(({ id, device, address, lastSeen, current }) => ({
      id: String(id),
      ...(device !== null && { device }),
      lastSeen,
      ...(address !== null && { address }),
      current,
    }));
    return c.json({ sessions: shown }, 200);
  });
  app.openapi(ROUTES.endOthers, async (c) => {
    const { user, credential } = callerOf(c);
    return c.json({ ended: await accounts.endSessions(user.id, { others: credential }) }, 200);
  });
  app.openapi(ROUTES.endOne, async (c) => {
    const { user } = callerOf(c);
    return c.json({ ended: await accounts.endSessions(user.id, c.req.valid("param")) }, 200);
  });
}

function registerIdentities(app: HttpApp, { useCases: { ownIdentities } }: Parts): void {
  const shown = ({ id, issuer, name, linkedAt }: OwnIdentity) => ({
    ...{ id: String(id), issuer, ...(name !== null && { name }), linkedAt },
  });
  app.openapi(ROUTES.identities, async (c) => {
    const identities = await ownIdentities.list(callingUser(c).id);
    return c.json({ identities: identities.map(shown) }, 200);
  });
  app.openapi(ROUTES.link, async (c) => {
    const { code, code_verifier: verifier, password } = c.req.valid("json");
    const proof = proofOf(c, password);
    const { identity } = await ownIdentities.link(callingUser(c), { code, verifier }, proof).catch(unproven);
    return c.json(shown(identity), 200);
  });
  app.openapi(ROUTES.unlink, async (c) => {
    const proof = proofOf(c, c.req.valid("json").password);
    await ownIdentities.unlink(callingUser(c), c.req.valid("param").id, proof).catch(unproven);
    return c.body(null, 200);
  });
}

/** What shows that it is the owner of the account who asks. */
function proofOf(c: HttpContext, password: string | undefined): OwnProof {
  return { password, ip: c.env.ip, credential: callerOf(c).credential };
}

function callerOf(c: HttpContext): UserPrincipal {
  return c.get("principal") as UserPrincipal;
}

/** The caller's profile. Fields without a value are left out, never null. */
function selfProfile(user: User, { domain, publicUrl }: Parts, team: string | undefined) {
  const { email, avatarId, status, receiptsFor: receipts, lastSeenFor: lastSeen } = user;
  return {
    ...shownUser(user, domain()),
    ...(email !== null && { email }),
    locale: "en",
    managed_by: "wire" as const,
    ...(team !== undefined && { team }),
    ...(avatarId !== null && { avatar: publicLink(publicUrl(), `/api/v1/chat/avatars/${avatarId}`) }),
    ...(status !== "" && { status }),
    privacy: { receipts, lastSeen },
  };
}

/** Wire's words for a missing proof, and the fields of this API for a bad one. */
function unproven(error: unknown): never {
  if (!(error instanceof DomainError)) throw error;
  const { code, message, field = "" } = error;
  if (code === "forbidden") throw new WireRefusal(403, "invalid-credentials", message);
  // Not 401: the access token is good, and another one of the same login changes nothing.
  if (code === "unauthorized") throw new WireRefusal(403, "sign-in-again", message);
  const name = FIELDS[field];
  if (name === undefined) throw error;
  throw new DomainError(code, name + message.slice(field.length), { field: name });
}

const FIELDS: Record<string, string> = { old: "old_password", new: "new_password" };
