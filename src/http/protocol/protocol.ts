/**
 * The Protocol API under `/v1`: contacts, conversations, messages, groups and attachments for contact-centred apps.
 * Unknown fields in bodies are ignored, because clients send whole objects back. Reading order: this file; bodies.ts and
 * kinds.ts (requests), shapes.ts (answers); then a file per resource.
 */
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { Logger } from "../../logger.ts";
import { boundedBody, createFace, type Face, onRoutes } from "../face/face.ts";
import { knownQueryOnly } from "../face/known-query.ts";
import { REPEATABLE, repeatable } from "../face/repeatable.ts";
import { SOCKET_NAMES } from "../face/socket-names.ts";
import type { RequestLimits } from "../requests/request-limits.ts";
import { createTransfers } from "../requests/transfers.ts";
import { registerAttachments, registerUpload } from "./attachments.ts";
import { authentication } from "./authentication.ts";
import { conversationIn, formsAsJson } from "./bodies.ts";
import { registerContacts } from "./contacts.ts";
import { registerConversations } from "./conversations.ts";
import { refusals, respondRefusal } from "./failures.ts";
import { registerGroups } from "./groups.ts";
import { registerMessages } from "./messages.ts";

/** The use cases that this API has operations for. */
type Asked =
  | "accounts"
  | "attachments"
  | "contacts"
  | "roomLifecycle"
  | "finding"
  | "lookup"
  | "memberSettings"
  | "messages"
  | "oneToOne"
  | "pins"
  | "reactions"
  | "repeats"
  | "roomSettings"
  | "timeline";

export interface ProtocolOptions {
  useCases: Pick<UseCases, Asked>;
  /** Where clients reach this server. */
  publicUrl: () => string;
  limits: RequestLimits;
  logger: Pick<Logger, "error">;
}

const MAX_BODY_BYTES = 1_048_576;

export function createProtocol({ useCases, publicUrl, limits, logger }: ProtocolOptions): Face {
  const { face, app } = createFace({
    name: "protocol",
    title: "Protocol API",
    description:
      "Contacts, conversations, messages, groups and attachments. Bodies are forms or JSON; times are unix seconds. " +
      "With Basic, a form (or a POST without a body) needs the header X-Requested-With, because browsers send remembered " +
      "passwords with the forms of any page; browsers are never asked for Basic. " +
      "A query parameter that an operation does not have is refused (400); fields of a body that it does not have are ignored. " +
      `${SOCKET_NAMES} ${REPEATABLE}`,
    paths: ["/v1"],
    security: {
      bearer: { type: "http", scheme: "bearer", description: "A personal access token, or that of a login" },
      basic: { type: "http", scheme: "basic", description: "Handle or e-mail, and password" },
    },
    refuse: refusals(publicUrl),
    respond: respondRefusal,
    limits,
    logger,
  });
  const parts = { useCases, publicUrl, transfers: createTransfers() };
  app.use(onRoutes(authentication(useCases.accounts, limits)), knownQueryOnly(app));
  registerUpload(app, parts);
  app.use(
    boundedBody(MAX_BODY_BYTES),
    formsAsJson,
    onRoutes(repeatable(useCases.repeats, { roomIn: conversationIn })),
  );
  registerContacts(app, parts);
  registerConversations(app, parts);
  registerMessages(app, parts);
  registerGroups(app, parts);
  registerAttachments(app, parts);
  return face;
}
