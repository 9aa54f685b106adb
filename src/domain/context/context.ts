/** What all use cases share, and the options of the domain. */
import type { Logger } from "../../logger.ts";
import { DomainError } from "../errors.ts";
import type { AttachmentFiles } from "../ports/attachments.ts";
import type { Broadcasts } from "../ports/broadcasts.ts";
import type { Bus } from "../ports/bus.ts";
import type { HotState } from "../ports/hot.ts";
import type { OidcProvider } from "../ports/oidc.ts";
import type { Store } from "../ports/store/store.ts";
import type { WebhookTargets } from "../ports/webhooks.ts";
import { type Accesses, createAccesses } from "./access.ts";
import { createBroadcasts, NOWHERE } from "./broadcasts.ts";
import type { JwtIssuer, OidcSettings } from "./issuers.ts";

export interface DomainOptions {
  store: Store;
  hot: HotState;
  bus: Bus;
  /** The storage of attachments. Unset where nothing is uploaded. */
  files?: AttachmentFiles | null;
  /** Where clients reach this server, for URLs of files and pictures. Unset where nobody fetches any. */
  publicUrl?: () => string;
  /** The ids of users in Matrix; null without a homeserver. Unset where nobody is shown any. */
  matrixIdOf?: (userId: number) => string | null;
  /** Checks URLs of webhooks. Unset where no webhooks are registered. */
  webhookTargets?: WebhookTargets | null;
  /** Where people sign in beside passwords. Unset: nowhere. */
  oidc?: {
    provider: OidcProvider;
    settings: OidcSettings;
    /** The bytes at a URL that a claim names. It rejects for addresses that may not be reached, and beyond its bounds. */
    fetchPicture(url: string): Promise<Uint8Array>;
  } | null;
  settings: DomainSettings;
  logger: DomainLogger;
  /** Replaces the store's clock in tests. */
  now?: () => number;
}

export interface DomainSettings {
  /** Minimum length of a new password, in characters. */
  passwordMinLength: number;
  /** Limits on logins per name and address. */
  rateLimits: boolean;
  /** How long a login can last, renewals included. Default: 90 days. */
  longestLoginMs?: number;
  /** Maximum bytes of one user's and one organization's files. 0 or unset: no bound. */
  files?: { perUser: number; perOrganization: number };
  /** The outside issuers of accepted JWTs, each `issuer` once. Default: none. */
  issuers?: readonly JwtIssuer[];
}

type DomainLogger = Pick<Logger, "info" | "warn" | "error">;

export interface Context {
  readonly store: Store;
  readonly hot: HotState;
  readonly settings: DomainSettings;
  readonly logger: DomainLogger;
  readonly accesses: Accesses;
  now(): number;
  /**
   * Runs work whose failure must not fail a durable operation. A DomainError `unavailable` is ignored, because hot state
   * rebuilds or decays by itself. Any other error is a defect and is logged.
   * @param work the work's name in the log
   */
  bestEffort(work: string, run: () => Promise<unknown>): Promise<void>;
  readonly broadcasts: Broadcasts;
}

export function createContext(options: DomainOptions): Context {
  const { store, hot, bus, settings, logger, now = store.clock.now } = options;
  return {
    store,
    hot,
    settings,
    logger,
    now,
    accesses: createAccesses(store, now),
    async bestEffort(work, run) {
      try {
        await run();
      } catch (error) {
        if (error instanceof DomainError && error.code === "unavailable") return;
        logger.warn(
          { event: "best_effort.failed", err: error, work },
          "best-effort work failed; what it was part of goes on without it",
        );
      }
    },
    broadcasts: createBroadcasts(bus, {
      publicUrl: options.publicUrl ?? NOWHERE.publicUrl,
      matrixIdOf: options.matrixIdOf ?? NOWHERE.matrixIdOf,
    }),
  };
}
