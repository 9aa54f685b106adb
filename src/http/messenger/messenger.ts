/**
 * The Messenger API: chatrooms for the messenger app and its back office, and credentials for Matrix.
 * It is served under `/api/v1/chat` and without that prefix. Unknown fields in bodies are ignored, because its clients send
 * more than the document lists. Unknown query parameters are refused.
 */
import type { MatrixAccounts } from "../../domain/ports/matrix.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { Logger } from "../../logger.ts";
import { boundedBody, createFace, type Face, onRoutes } from "../face/face.ts";
import { knownQueryOnly } from "../face/known-query.ts";
import { REPEATABLE, repeatable } from "../face/repeatable.ts";
import { SOCKET_NAMES } from "../face/socket-names.ts";
import type { RequestLimits } from "../requests/request-limits.ts";
import { authentication } from "./authentication.ts";
import { registerAvatars } from "./avatars.ts";
import { refuse } from "./failures.ts";
import { registerRooms } from "./rooms.ts";
import { PREFIX } from "./shapes.ts";
import { registerUser } from "./user.ts";

export interface MessengerOptions {
  useCases: Pick<UseCases, "chatrooms" | "accounts" | "repeats">;
  /** Null: no homeserver. */
  matrixAccounts: MatrixAccounts | null;
  /** Where clients reach this server. */
  publicUrl: () => string;
  limits: RequestLimits;
  logger: Pick<Logger, "error">;
}

/** Enough for an avatar of 1 MiB as a JSON array with spaces and line breaks. */
const MAX_BODY_BYTES = 8 * 1_048_576;

export function createMessenger(options: MessengerOptions): Face {
  const { useCases, matrixAccounts, publicUrl, limits, logger } = options;
  const { face, app } = createFace({
    name: "messenger",
    title: "Messenger API",
    description: `Chatrooms of organizations, and credentials for the caller's Matrix account. ${SOCKET_NAMES} ${REPEATABLE}`,
    paths: ["/chatroom", "/chatrooms", "/user", "/avatars"],
    optionalPrefix: PREFIX,
    security: {
      apiToken: { type: "apiKey", in: "header", name: "API-TOKEN", description: "Of an organization" },
      personalAccessToken: { type: "apiKey", in: "header", name: "Personal-Access-Token" },
    },
    refuse,
    limits,
    logger,
  });
  registerAvatars(app, useCases.chatrooms);
  app.use(
    onRoutes(authentication(useCases.accounts, limits)),
    knownQueryOnly(app),
    boundedBody(MAX_BODY_BYTES),
  );
  app.use(onRoutes(repeatable(useCases.repeats)));
  registerRooms(app, { chatrooms: useCases.chatrooms, publicUrl });
  registerUser(app, matrixAccounts);
  return face;
}
