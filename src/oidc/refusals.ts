/** What a failed answer of the provider means for the person who waits. */
import { AuthorizationResponseError, ClientError, ResponseBodyError } from "openid-client";
import { DomainError, unavailable } from "../domain/errors.ts";
import type { Logger } from "../logger.ts";
import type { Discovery } from "./discovery.ts";

const AWAY = new Set([
  "OAUTH_TIMEOUT",
  "OAUTH_ABORT",
  "OAUTH_RESPONSE_IS_NOT_CONFORM",
  "OAUTH_RESPONSE_IS_NOT_JSON",
]);
const SERVER_ERRORS = new Set(["server_error", "temporarily_unavailable"]);

/** @returns the DomainError that `OidcProvider.finish` promises */
export function refusalOf(
  error: unknown,
  discovery: Pick<Discovery, "forget">,
  logger: Pick<Logger, "warn">,
): DomainError {
  if (error instanceof AuthorizationResponseError)
    return SERVER_ERRORS.has(error.error)
      ? unavailable("The identity provider failed", error)
      : new DomainError("forbidden", "The identity provider let nobody in");
  if (isAway(error)) return unavailable("The identity provider can't be reached", error);
  // The keys may be new ones, which the next sign-in fetches.
  if (error instanceof ClientError && error.code === "OAUTH_KEY_SELECTION_FAILED") discovery.forget();
  // Not the error itself: its causes hold tokens and claims.
  const { code, reason } = reasonOf(error);
  logger.warn(
    { event: "oidc.answer_refused", code, reason },
    "an answer of the identity provider proves nothing; nobody was signed in",
  );
  return new DomainError("bad_request", "The answer of the identity provider proves nothing");
}

function reasonOf(error: unknown): { code: string; reason: string } {
  const { code, message = "" } = error as Partial<NodeJS.ErrnoException>;
  return { code: error instanceof ResponseBodyError ? error.error : (code ?? ""), reason: message };
}

function isAway(error: unknown): boolean {
  if (error instanceof ResponseBodyError) return SERVER_ERRORS.has(error.error) || error.status >= 500;
  if (error instanceof ClientError) return AWAY.has(error.code ?? "");
  // What `fetch` throws.
  return error instanceof TypeError && error.message === "fetch failed";
}
