/**
 * Tells the store when logins were last used, from where, and what their clients call themselves: all sessions that began or
 * gave a sign of life go in one statement, every few seconds.
 */
import type { Accounts } from "../../domain/use-cases/accounts.ts";
import type { Session } from "./session.ts";

const FLUSH_MS = 5_000;
/** Logins of one statement: when very many sessions come back at once, the others wait for the next ones. */
const MAX_NOTES = 1_000;
/** A session that stays is noted again after this time. */
export const NOTED_AGAIN_MS = 5 * 60_000;

interface Note {
  loginId: number;
  device: string | null;
  address: string;
}

export class LoginNotes {
  readonly #accounts: Pick<Accounts, "noteSeen">;
  readonly #notes = new Map<number, Note>();
  #timer: NodeJS.Timeout | null = null;

  constructor(accounts: Pick<Accounts, "noteSeen">) {
    this.#accounts = accounts;
  }

  /** The session is there now. Sessions without a login (of personal access tokens and JWTs) are in no list. */
  note({ identity, connection }: Session): void {
    if (identity?.credential.via !== "session") return;
    const { credential, device } = identity;
    this.#notes.set(credential.loginId, { loginId: credential.loginId, device, address: connection.ip });
    this.#schedule();
  }

  /** Never rejects. */
  async flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const notes = [...this.#notes.values()].slice(0, MAX_NOTES);
    for (const { loginId } of notes) this.#notes.delete(loginId);
    if (this.#notes.size > 0) this.#schedule();
    if (notes.length > 0) await this.#accounts.noteSeen(notes);
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS).unref();
  }
}
