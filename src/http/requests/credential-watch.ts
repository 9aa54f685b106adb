/** Ends waiting requests whose credential was revoked. One query checks all of them every few seconds. */
import { isUnavailable } from "../../domain/errors.ts";
import type { Holder } from "../../domain/model.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { Accounts } from "../../domain/use-cases/accounts.ts";
import type { Logger } from "../../logger.ts";

const EVERY_MS = 5_000;

export interface Watched extends Holder {
  end(why: "revoked"): void;
}

export interface CredentialWatch {
  /** The set changed. */
  changed(): void;
  /** Whether the credential is valid now. Calls in one turn of the event loop share a statement. */
  isValid(holder: Holder): Promise<boolean>;
}

interface Question {
  holder: Holder;
  resolve(isValid: boolean): void;
  reject(error: unknown): void;
}

/** While `watched` is empty nothing runs. Call `changed` after each change of it. */
export function watchCredentials(
  accounts: Pick<Accounts, "revoked">,
  clock: Clock,
  watched: ReadonlySet<Watched>,
  logger: Pick<Logger, "warn">,
): CredentialWatch {
  let timer: NodeJS.Timeout | null = null;
  let questions: Question[] = [];

  async function answer(): Promise<void> {
    const asked = questions;
    questions = [];
    try {
      const revoked = new Set(await accounts.revoked(asked, ({ holder }) => holder));
      for (const one of asked) one.resolve(!revoked.has(one) && !isOver(one.holder, clock.now()));
    } catch (error) {
      for (const one of asked) one.reject(error);
    }
  }

  async function look(): Promise<void> {
    const all = [...watched];
    const revoked = new Set(await accounts.revoked(all, (one) => one));
    for (const one of all) if (revoked.has(one) || isOver(one, clock.now())) one.end("revoked");
  }

  function schedule(): void {
    timer = null;
    if (watched.size === 0) return;
    timer = setTimeout(() => {
      look()
        .catch((error) => {
          if (isUnavailable(error)) return;
          logger.warn(
            { event: "credentials.check_failed", err: error },
            "could not check the credentials of open connections; retrying",
          );
        })
        .finally(schedule);
    }, EVERY_MS);
    timer.unref();
  }

  return {
    changed() {
      if (watched.size === 0 && timer) {
        clearTimeout(timer);
        timer = null;
      } else if (watched.size > 0 && !timer) schedule();
    },
    isValid: (holder) =>
      new Promise((resolve, reject) => {
        questions.push({ holder, resolve, reject });
        if (questions.length === 1) setImmediate(() => void answer());
      }),
  };
}

/** Whether a credential ends by its own time. An access token may expire during the wait; its login continues. */
function isOver({ credential }: Holder, now: number): boolean {
  return credential.via === "jwt" && credential.expiresAt <= now;
}
