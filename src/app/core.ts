/** Opens the parts that every face, the bridge and the webhooks use: store, hot state, the domain, and Matrix. */
import { randomBytes } from "node:crypto";
import type { Registry } from "prom-client";
import type { Config } from "../config.ts";
import { createUseCases, type DomainOptions } from "../domain/assembly/domain.ts";
import type { JwtIssuer } from "../domain/context/issuers.ts";
import type { AttachmentFiles } from "../domain/ports/attachments.ts";
import type { Bus } from "../domain/ports/bus.ts";
import type { HotState } from "../domain/ports/hot.ts";
import type { UseCases } from "../domain/use-cases/use-cases.ts";
import { CommitPublisher } from "../gateway/frames/commit-publisher.ts";
import type { Logger } from "../logger.ts";
import { createRegistry, registerBuild, registerState, registerWatches } from "../metrics.ts";
import type { PostgresStore } from "../store/postgres.ts";
import { createTargets, type Targets } from "../webhooks/targets.ts";
import { keptText, newSecret } from "./data-dir.ts";
import { watchClockSkew } from "./health/clock-skew.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { createMatrix, type Matrix } from "./matrix.ts";
import { oidcOf } from "./oidc.ts";
import { openConfiguredFiles, openConfiguredHot, openConfiguredStore } from "./state.ts";

export interface Core {
  store: PostgresStore;
  hot: HotState;
  bus: Bus;
  commits: CommitPublisher;
  useCases: UseCases;
  /** The bytes of attachments. */
  files: AttachmentFiles;
  matrix: Matrix | null;
  webhookTargets: Targets;
  adminToken: { text: string; path: string | null } | null;
  /** The identity provider with which people sign in. */
  oidc: ReturnType<typeof oidcOf>;
  /** The name of this process among the others. */
  node: string;
  registry: Registry;
}

/** @param publicUrl where clients reach this server; called for each URL that is made */
export async function openCore(
  config: Config,
  dataDir: string,
  say: (line: string) => void,
  logger: Logger,
  parts: Lifecycle,
  publicUrl: () => string,
): Promise<Core> {
  const node = randomBytes(6).toString("hex");
  const registry = createRegistry();
  const watches = registerWatches(registry);
  registerBuild(registry);
  const store = await openConfiguredStore(config, dataDir, logger, parts, { watch: watches });
  const { hot, bus } = await openConfiguredHot(config, node, store, logger, parts, watches.onRoundTrip);
  parts.add("clocks", await watchClockSkew({ store, hot, logger, registry }));
  registerState(registry, store, bus);
  const commits = new CommitPublisher({ store, bus, logger });
  const matrix = createMatrix(config, dataDir, say, logger);
  const webhookTargets = createTargets({ allowPrivate: config.WEBHOOK_ALLOW_PRIVATE === "true" });
  const files = openConfiguredFiles(config, dataDir);
  const oidc = oidcOf(config, logger, webhookTargets);
  const useCases = createUseCases({
    ...{ store, hot, bus, logger, webhookTargets, files, oidc, publicUrl },
    matrixIdOf: (userId) => matrix?.idOf(userId) ?? null,
    settings: settingsOf(config),
  });
  if (matrix) parts.add("Matrix", () => matrix.stop());
  const adminToken = adminTokenOf(config, dataDir);
  return {
    ...{ store, hot, bus, commits, useCases, files, matrix, webhookTargets },
    ...{ node, registry, adminToken, oidc },
  };
}

function settingsOf(config: Config): DomainOptions["settings"] {
  return {
    passwordMinLength: config.PASSWORD_MIN_LENGTH,
    longestLoginMs: config.LOGIN_MAX_DAYS * 86_400_000,
    rateLimits: config.RATE_LIMITS === "on",
    files: { perUser: config.FILES_PER_USER, perOrganization: config.FILES_PER_ORGANIZATION },
    issuers: issuersOf(config),
  };
}

/** With the embedded database Causeway makes a token itself. Otherwise the admin API is off until a token is set. */
function adminTokenOf(config: Config, dataDir: string): Core["adminToken"] {
  if (config.ADMIN_TOKEN !== undefined) return { text: config.ADMIN_TOKEN, path: null };
  return config.DATABASE_URL === undefined ? keptText(dataDir, "admin-token", newSecret) : null;
}

/** The issuers of the list, and the one that has settings of its own. */
function issuersOf(config: Config): JwtIssuer[] {
  const {
    AUTH_JWKS_URL: jwksUrl,
    AUTH_ISSUER: issuer,
    AUTH_AUDIENCE: audience,
    AUTH_ISSUERS: list = [],
  } = config;
  if (jwksUrl === undefined) return list;
  const one: JwtIssuer = {
    keys: { jwksUrl },
    administrators: config.AUTH_ADMINISTRATORS === "true",
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  };
  return [one, ...list];
}
