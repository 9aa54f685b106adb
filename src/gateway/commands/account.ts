/** One's own account [GW-17.5 to GW-17.10]: password, logins, another token for the session, and the Matrix account. */
import { badField, DomainError } from "../../domain/errors.ts";
import { numberOfId } from "../../domain/ids.ts";
import type { User } from "../../domain/model.ts";
import type { MatrixAccounts } from "../../domain/ports/matrix.ts";
import type { OwnIdentities, OwnIdentity } from "../../domain/use-cases/accounts.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { LinkedIdentity, LoginSession } from "../../protocol/frames.ts";
import type { LoginNotes } from "../sessions/login-notes.ts";
import type { Identity, Speaker } from "../sessions/session.ts";
import type { Handlers } from "./handlers.ts";
import { createMatrixCommands } from "./matrix.ts";

export type AccountCommands = Handlers<
  | "password"
  | "sessions"
  | "session.end"
  | "account.delete"
  | "identities"
  | "identity.link"
  | "identity.unlink"
  | "token"
  | "matrix"
>;

export interface AccountCommandsOptions {
  useCases: Pick<UseCases, "accounts" | "accountDeletions" | "ownIdentities" | "lookup">;
  notes: Pick<LoginNotes, "note" | "flush">;
  /** Null without a homeserver. */
  matrixAccounts: MatrixAccounts | null;
}

export function createAccountCommands({
  useCases: { accounts, accountDeletions, ownIdentities, lookup },
  notes,
  matrixAccounts,
}: AccountCommandsOptions): AccountCommands {
  async function userOf({ user: { id } }: Identity) {
    const user = (await lookup.users([id])).get(id);
    if (!user) throw new DomainError("unauthorized", "The account was deleted");
    return user;
  }

  return {
    async password({ session, identity }, frame) {
      const proof = proofOf(session, identity, frame.old);
      const changed = await accounts.changePassword(await userOf(identity), frame.new, proof);
      return changed ? {} : { duplicate: true };
    },
    async sessions({ identity }) {
      // The list says when each was last used.
      await notes.flush();
      const sessions = await accounts.sessions(identity.user.id, identity.credential);
      return {
        sessions: sessions.map(({ id, device, address, lastSeen, current }): LoginSession => {
          const known = { ...(device !== null && { device }), ...(address !== null && { address }) };
          return { id: String(id), ...known, lastSeen, current };
        }),
      };
    },
    async "session.end"({ identity }, { session }) {
      const which =
        session === undefined ? { others: identity.credential } : { id: idOf("session", session) };
      return (await accounts.endSessions(identity.user.id, which)) > 0 ? {} : { duplicate: true };
    },
    async "account.delete"({ session, identity }, { password, erase }) {
      const proof = proofOf(session, identity, password);
      return await accountDeletions.delete(await userOf(identity), proof, { erase });
    },
    async token(speaker, { token }) {
      const principal = await accounts.authenticate(token);
      const { user } = speaker.identity;
      if (principal.kind !== "user" || principal.user.uuid !== user.uuid) {
        throw new DomainError("forbidden", "The token is another person's", { field: "token" });
      }
      moveTo(speaker, principal);
      notes.note(speaker.session);
      return { user: String(user.id) };
    },
    ...createIdentityCommands(ownIdentities, userOf),
    ...createMatrixCommands(matrixAccounts, userOf),
  };
}

/** Links to people of the identity provider [GW-17.12, GW-17.13]. */
function createIdentityCommands(
  ownIdentities: OwnIdentities,
  userOf: (identity: Identity) => Promise<User>,
): Handlers<"identities" | "identity.link" | "identity.unlink"> {
  const shown = ({ id, issuer, name, linkedAt }: OwnIdentity): LinkedIdentity => ({
    ...{ id: String(id), issuer, ...(name !== null && { name }), linkedAt },
  });
  return {
    identities: async ({ identity }) => ({
      identities: (await ownIdentities.list(identity.user.id)).map(shown),
    }),
    async "identity.link"({ session, identity }, { code, verifier, password }) {
      const proof = proofOf(session, identity, password);
      const done = await ownIdentities.link(await userOf(identity), { code, verifier }, proof);
      return { identity: shown(done.identity), ...(!done.linked && { duplicate: true }) };
    },
    async "identity.unlink"({ session, identity }, { identity: id, password }) {
      const proof = proofOf(session, identity, password);
      const user = await userOf(identity);
      return (await ownIdentities.unlink(user, idOf("identity", id), proof)) ? {} : { duplicate: true };
    },
  };
}

/** What shows that it is the user of the session who speaks [GW-17.11]. */
function proofOf(session: Speaker["session"], { credential }: Identity, password: string | undefined) {
  return { password, ip: session.connection.ip, credential };
}

/** From now on the session ends with this credential [GW-17.8]. */
function moveTo(
  { identity }: Speaker,
  { credential, version }: Pick<Identity, "credential"> & { version: number },
) {
  identity.credential = credential;
  identity.user.version = Math.min(identity.user.version, version);
}

function idOf(field: "session" | "identity", text: string): number {
  const id = numberOfId(text);
  if (id === 0) throw badField(field, `must be the id of one of your ${PLURAL[field]}`);
  return id;
}

const PLURAL = { session: "sessions", identity: "identities" };
