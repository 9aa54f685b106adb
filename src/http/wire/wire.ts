/**
 * The Wire API: signing in, conversations, teams, connections and notifications, for Wire's clients and scripts.
 * Reading order: this file; login.ts, self.ts, conversations.ts, settings.ts, members.ts, teams.ts, users.ts, connections.ts
 * (operations);
 * shapes.ts and events.ts (what they answer); notifications.ts and await.ts (what happened, later and live); below them
 * parts.ts, names.ts, kinds.ts, failures.ts.
 */

import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { Logger } from "../../logger.ts";
import { boundedBody, createFace, type Face, onRoutes } from "../face/face.ts";
import { SOCKET_NAMES } from "../face/socket-names.ts";
import type { RequestLimits } from "../requests/request-limits.ts";
import { authentication } from "./common/authentication.ts";
import { wireParts } from "./common/parts.ts";
import { registerConversations } from "./conversations/conversations.ts";
import { registerCodeCheck, registerGuestLinks } from "./conversations/guest-links.ts";
import { registerMembers } from "./conversations/members.ts";
import { registerLogin } from "./login/login.ts";
import { registerSelf } from "./login/self.ts";
import { registerNotifications, registerUpgrade } from "./notifications/notifications.ts";
import { registerConnections } from "./people/connections.ts";
import { registerSettings } from "./people/settings.ts";
import { registerTeams } from "./people/teams.ts";
import { registerUsers } from "./people/users.ts";
import { refuse } from "./shapes/failures.ts";

/** The use cases that this API has operations for. */
type Asked =
  | "accounts"
  | "accountDeletions"
  | "clock"
  | "connections"
  | "roomLifecycle"
  | "finding"
  | "guestLinks"
  | "joining"
  | "journal"
  | "lookup"
  | "memberSettings"
  | "oidc"
  | "oneToOne"
  | "ownIdentities"
  | "ownProfile"
  | "profiles"
  | "roomSettings";

export interface WireOptions {
  useCases: Pick<UseCases, Asked>;
  /** Where clients reach this server; its host name is the `domain` of qualified ids. */
  publicUrl: () => string;
  limits: RequestLimits;
  logger: Pick<Logger, "error">;
}

/** 499 users by two kinds of ids, with room to spare. */
const MAX_BODY_BYTES = 262_144;

export function createWire({ useCases, publicUrl, limits, logger }: WireOptions): Face {
  const parts = wireParts({ useCases, publicUrl });
  const { face, app } = createFace({
    name: "wire",
    title: "Wire API",
    description:
      "Signing in, conversations, teams, people, connections and notifications. Access tokens live for 15 minutes; a cookie renews them. Live notifications come over the WebSocket /await. " +
      SOCKET_NAMES,
    paths: [
      "/login",
      "/access",
      "/self",
      "/users",
      "/conversations",
      "/connections",
      "/teams",
      "/notifications",
      "/await",
    ],
    security: { accessToken: { type: "http", scheme: "bearer" } },
    refuse,
    limits,
    logger,
  });
  app.use(boundedBody(MAX_BODY_BYTES));
  registerLogin(app, useCases, publicUrl);
  registerUpgrade(app);
  registerCodeCheck(app, useCases.guestLinks);
  app.use(onRoutes(authentication(useCases.accounts, limits)));
  registerSelf(app, { useCases, domain: parts.domain, publicUrl });
  registerGuestLinks(app, parts);
  registerConversations(app, parts);
  registerSettings(app, parts);
  registerMembers(app, parts);
  registerTeams(app, parts);
  registerUsers(app, parts);
  registerConnections(app, parts);
  registerNotifications(app, parts);
  return face;
}
