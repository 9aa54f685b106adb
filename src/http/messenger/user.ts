/** The two operations on a user's Matrix account. */
import { createRoute, z } from "@hono/zod-openapi";
import { badField, DomainError } from "../../domain/errors.ts";
import type { MatrixAccounts } from "../../domain/ports/matrix.ts";
import { type HttpApp, json, jsonBody } from "../face/face.ts";
import { body, text } from "../requests/fields.ts";
import { callingUser } from "./authentication.ts";
import { KEY_REUSED, messengerError, REFUSALS } from "./failures.ts";

const MAX_DEVICE_ID_LENGTH = 255;

export function registerUser(app: HttpApp, matrixAccounts: MatrixAccounts | null): void {
  app.openapi(ROUTES.credentials, async (c) => {
    const { user, credential } = callingUser(c);
    const account = await required(matrixAccounts).credentials(user, credential);
    const { username, password, userID: matrixId, homeserver } = account;
    return c.json({ password, username, matrixId, homeserver, newPassword: true as const }, 200);
  });
  app.openapi(ROUTES.login, async (c) => {
    const { user, credential } = callingUser(c);
    const { deviceID } = c.req.valid("json");
    if (deviceID === "") throw badField("deviceID", `must have 1 to ${MAX_DEVICE_ID_LENGTH} characters`);
    const login = await required(matrixAccounts).login(user, deviceID, credential);
    const homeserver = login.wellKnown["m.homeserver"]?.base_url ?? "";
    return c.json({ ...login, matrixId: login.userID, homeserver }, 200);
  });
}

function required(matrixAccounts: MatrixAccounts | null): MatrixAccounts {
  if (matrixAccounts) return matrixAccounts;
  throw new DomainError("unavailable", "No Matrix homeserver is configured here (MATRIX_HOMESERVER_URL)");
}

/** Beside the document's fields: what any Matrix client asks for at sign-in. */
const SIGN_IN = {
  matrixId: z.string().meta({ description: "The caller's full Matrix id, as @name:server" }),
  homeserver: z.string().meta({ description: "The base URL at which Matrix clients sign in" }),
};
const NEW_PASSWORD = z.literal(true).meta({
  description: "Each call makes a new password, and the one before it stops working",
});

const DEACTIVATED = {
  409: json(messengerError, "An administrator of the homeserver deactivated the caller's Matrix account"),
};

const ROUTES = {
  credentials: createRoute({
    method: "get",
    path: "/user/credentials",
    summary: "A username and password for the caller's Matrix account",
    responses: {
      200: json(
        z.object({ password: z.string(), username: z.string(), ...SIGN_IN, newPassword: NEW_PASSWORD }),
        "Fresh credentials",
      ),
      ...REFUSALS,
      ...DEACTIVATED,
    },
  }),
  login: createRoute({
    method: "post",
    path: "/user/login",
    summary: "Sign the caller in to Matrix",
    request: jsonBody(body({ deviceID: text(MAX_DEVICE_ID_LENGTH) })),
    responses: {
      200: json(
        z.object({
          accessToken: z.string(),
          deviceID: z.string(),
          expiresInMS: z.int().optional(),
          refreshToken: z.string().optional(),
          userID: z.string(),
          wellKnown: z.record(z.string(), z.object({ base_url: z.string() })),
          ...SIGN_IN,
        }),
        "A Matrix session",
      ),
      ...REFUSALS,
      ...DEACTIVATED,
      ...KEY_REUSED,
    },
  }),
};
