/** One's own account [GW-17.5 to GW-17.10]: password, logins, another token for the session, and the Matrix account. */
import { badField, DomainError } from "../../domain/errors.ts";
import type { MatrixAccounts } from "../../domain/ports/matrix.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { LoginSession } from "../../protocol/frames.ts";
import type { LoginNotes } from "../sessions/login-notes.ts";
import type { Identity, Speaker } from "../sessions/session.ts";
import type { Handlers } from "./handlers.ts";
import { createMatrixCommands } from "./matrix.ts";

export type AccountCommands = Handlers<
  "password" | "sessions" | "session.end" | "account.delete" | "token" | "matrix"
>;

export interface AccountCommandsOptions {
  useCases: Pick<UseCases, "accounts" | "accountDeletions" | "lookup">;
  notes: Pick<LoginNotes, "note" | "flush">;
  /** Null without a homeserver. */
  matrixAccounts: MatrixAccounts | null;
}

export function createAccountCommands({
  useCases: { accounts, accountDeletions, lookup },
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
      const which = session === undefined ? { others: identity.credential } : { id: idOf(session) };
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
    ...createMatrixCommands(matrixAccounts, userOf),
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

function idOf(session: string): number {
  const id = /^[1-9][0-9]{0,15}$/.test(session) ? Number(session) : Number.NaN;
  if (!Number.isSafeInteger(id)) throw badField("session", "must be the id of a session");
  return id;
}
