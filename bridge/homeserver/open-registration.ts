/**
 * Refuses a homeserver where strangers can register accounts. The names of people's accounts are in no exclusive namespace (see
 * registration.ts), so a stranger could register the account of a user to come, and read and write as them.
 */
import { DomainError } from "../../src/domain/errors.ts";
import type { Homeserver } from "./homeserver.ts";
import { HomeserverError, reasonOf } from "./homeserver-error.ts";

/** A refusal by the bridge, not by the homeserver. Clients may see its text. */
export class OpenRegistrationError extends DomainError {
  constructor(baseUrl: string) {
    super(
      "unavailable",
      `Strangers can register accounts at the Matrix homeserver ${baseUrl}, and so take the names of users to come. ` +
        "Close registration there (Synapse: enable_registration: false, or registration_requires_token: true)",
    );
  }
}

const PATH = "/_matrix/client/v3/register";
const TOKEN = "m.login.registration_token";
const LIMIT_MS = 5_000;
/** A homeserver reads its settings at its start, so the answer lasts a while. */
const CLOSED_MS = 60_000;

/**
 * Asks the homeserver, without credentials, how one registers. Registration is closed when it is refused, and when each way
 * needs a token that an administrator makes (Matrix, "User-interactive authentication": an answer 401 lists
 * the ways as `flows`).
 * @throws OpenRegistrationError; HomeserverError when no homeserver answered
 */
export async function refuseOpenRegistration(
  { baseUrl }: Pick<Homeserver, "baseUrl">,
  signal?: AbortSignal,
): Promise<void> {
  const limit = AbortSignal.timeout(LIMIT_MS);
  const answer = await fetch(baseUrl + PATH, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  }).catch((error: unknown) => {
    throw new HomeserverError(`POST ${PATH} got no answer: ${reasonOf(error)}`, {
      status: null,
      cause: error,
    });
  });
  const { status } = answer;
  const said = (await answer.json().catch(() => null)) as { flows?: unknown; errcode?: unknown } | null;
  if (status === 200 || (status === 401 && Array.isArray(said?.flows))) {
    if (!needsToken(said?.flows)) throw new OpenRegistrationError(baseUrl);
    return;
  }
  const errcode = typeof said?.errcode === "string" ? said.errcode : null;
  if (errcode === null || errcode === "M_LIMIT_EXCEEDED")
    throw new HomeserverError(`POST ${PATH} answered ${status}, which is no answer of Matrix`, {
      status,
      errcode,
    });
}

/** The same for callers who ask often: a homeserver that was closed is not asked again for a minute. */
export function createRegistrationCheck(homeserver: Pick<Homeserver, "baseUrl">): () => Promise<void> {
  let closedUntil = 0;
  return async () => {
    if (performance.now() < closedUntil) return;
    await refuseOpenRegistration(homeserver);
    closedUntil = performance.now() + CLOSED_MS;
  };
}

function needsToken(flows: unknown): boolean {
  if (!Array.isArray(flows) || flows.length === 0) return false;
  return flows.every(
    (flow: { stages?: unknown }) => Array.isArray(flow?.stages) && flow.stages.includes(TOKEN),
  );
}
