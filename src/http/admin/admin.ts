/**
 * The admin API under `/admin/v1`: provisioning for operators. ADMIN_TOKEN gives access to all of it; without that setting
 * it is off. Unknown fields and parameters are refused, because they are typing mistakes.
 */
import type { BridgeLetters } from "../../domain/ports/matrix.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { Logger } from "../../logger.ts";
import { boundedBody, createFace, type Face, onRoutes } from "../face/face.ts";
import { knownQueryOnly } from "../face/known-query.ts";
import type { RequestLimits } from "../requests/request-limits.ts";
import { authentication } from "./authentication.ts";
import { registerBridge } from "./bridge.ts";
import { registerEvents } from "./events.ts";
import { refuse } from "./failures.ts";
import { registerGroups } from "./groups.ts";
import { registerOrganizations } from "./organizations.ts";
import { registerStats } from "./stats.ts";
import { registerTokens } from "./tokens.ts";
import { registerUsers } from "./users.ts";
import { registerWebhooks } from "./webhooks.ts";

export interface AdminOptions {
  useCases: Pick<UseCases, "directory" | "webhooks">;
  /** Null: the API is off. */
  adminToken: string | null;
  stats: () => Promise<object>;
  /** Null: no homeserver. */
  bridgeLetters: BridgeLetters | null;
  limits: RequestLimits;
  logger: Pick<Logger, "error" | "info" | "warn">;
}

const MAX_BODY_BYTES = 1_048_576;

export function createAdmin({
  useCases,
  adminToken,
  stats,
  bridgeLetters,
  limits,
  logger,
}: AdminOptions): Face {
  const { directory, webhooks } = useCases;
  const { face, app } = createFace({
    name: "admin",
    title: "Admin API",
    description: "Organizations, users, groups, tokens, events and webhooks, for operators and provisioning.",
    paths: ["/admin"],
    security: { adminToken: { type: "http", scheme: "bearer", description: "ADMIN_TOKEN" } },
    refuse,
    limits,
    logger,
  });
  app.use(
    onRoutes(authentication(adminToken, limits, logger)),
    knownQueryOnly(app),
    boundedBody(MAX_BODY_BYTES),
  );
  registerOrganizations(app, directory);
  registerUsers(app, directory);
  registerGroups(app, directory);
  registerTokens(app, directory);
  registerEvents(app, directory);
  registerWebhooks(app, webhooks);
  registerStats(app, stats);
  registerBridge(app, bridgeLetters);
  return face;
}
