/** What the use cases share, and what the composition root gives them. */

import type { Logger } from "../../logger.ts";
import { DomainError } from "../errors.ts";
import type { AttachmentFiles } from "../ports/attachments.ts";
import type { Broadcasts } from "../ports/broadcasts.ts";
import type { Bus } from "../ports/bus.ts";
import type { HotState } from "../ports/hot.ts";
import type { Store } from "../ports/store/store.ts";
import type { WebhookTargets } from "../ports/webhooks.ts";
import { type Accesses, createAccesses } from "./access.ts";
import { createBroadcasts } from "./broadcasts.ts";

export interface DomainOptions {
  store: Store;
  hot: HotState;
  bus: Bus;
  /** Where the bytes of attachments are kept; absent where nobody uploads any. */
  files?: AttachmentFiles | null;
  /** Where webhooks may be delivered to; absent where nobody registers any. */
  webhookTargets?: WebhookTargets | null;
  settings: DomainSettings;
  logger: DomainLogger;
  /** In place of the store's clock; for tests. */
  now?: () => number;
}

export interface JwtSettings {
  jwksUrl: string;
  issuer?: string;
  audience?: string;
  /** Whether JWTs sign administrators in: then whoever has the issuer's keys has all of this server. */
  administrators: boolean;
}

export interface DomainSettings {
  /** Least number of characters of a new password. */
  passwordMinLength: number;
  /** Limits on logins per name and address. */
  rateLimits: boolean;
  /** How long a login lasts at most, however often it is renewed; unset: 90 days. */
  longestLoginMs?: number;
  /** Most bytes of the files of one person, and of one organization; 0 is no bound, and so is leaving it out. */
  files?: { perUser: number; perOrganization: number };
  /** The outside issuer whose JWTs are accepted. */
  jwt: JwtSettings | null;
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
   * For what must never fail or hold up a durable operation. Something that is away is passed over, because hot state
   * rebuilds or decays by itself; anything else is a defect and is logged.
   * @param work says in the log what was tried
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
    broadcasts: createBroadcasts(bus),
  };
}
