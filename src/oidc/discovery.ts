/** What the provider says of itself. One request at a time; a provider that is away is asked again after a pause. */
import type { Configuration } from "openid-client";
import { unavailable } from "../domain/errors.ts";
import type { Logger } from "../logger.ts";

export interface Discovery {
  /** @throws DomainError `unavailable` */
  get(): Promise<Configuration>;
  /** Its keys are others than those that are known: the next sign-in fetches all anew. */
  forget(): void;
  health(): { ok: boolean; detail?: string };
}

/** What is known longer is fetched again in the background, and stays good while that fails. */
const REFRESH_AFTER_MS = 3_600_000;
const PAUSE_MS = 5_000;
const AWAY = "The identity provider can't be reached";

export function createDiscovery(
  discover: () => Promise<Configuration>,
  logger: Pick<Logger, "info" | "warn">,
): Discovery {
  let known: Configuration | null = null;
  let fetchedAt = 0;
  let startedAt = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | null = null;
  let failure: unknown = null;

  /** Begins a fetch, unless one began a moment ago. Never rejects. */
  function fetchAnew(): Promise<void> {
    if (underWay !== null) return underWay;
    if (failure !== null && performance.now() - startedAt < PAUSE_MS) return Promise.resolve();
    startedAt = performance.now();
    underWay = discover()
      .then(taken, failed)
      .finally(() => {
        underWay = null;
      });
    return underWay;
  }

  function taken(configuration: Configuration): void {
    if (failure !== null)
      logger.info({ event: "oidc.recovered" }, "the identity provider can be reached again");
    known = configuration;
    fetchedAt = performance.now();
    failure = null;
  }

  function failed(error: unknown): void {
    if (failure === null)
      logger.warn(
        { event: "oidc.unreachable", err: error, retry_ms: PAUSE_MS },
        "the identity provider can't be reached; people can't sign in with it",
      );
    failure = error;
  }

  return {
    async get() {
      if (known && performance.now() - fetchedAt > REFRESH_AFTER_MS) void fetchAnew();
      if (known) return known;
      await fetchAnew();
      if (known) return known;
      throw unavailable(AWAY, failure, PAUSE_MS);
    },
    forget: () => {
      known = null;
    },
    health() {
      if (known === null || failure !== null) void fetchAnew();
      return failure === null ? { ok: true } : { ok: false, detail: AWAY };
    },
  };
}
