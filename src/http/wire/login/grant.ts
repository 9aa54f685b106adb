/** The answer of every sign-in: an access token. */
import { z } from "@hono/zod-openapi";
import type { User } from "../../../domain/model.ts";

export const grant = z
  .object({
    user: z.uuid(),
    access_token: z.string(),
    token_type: z.literal("Bearer"),
    expires_in: z.int().openapi({ description: "Seconds" }),
  })
  .openapi("AccessToken");

export function grantOf(signedIn: { user: User; accessToken: string; expiresIn: number }) {
  return {
    user: signedIn.user.uuid,
    access_token: signedIn.accessToken,
    token_type: "Bearer" as const,
    expires_in: signedIn.expiresIn,
  };
}
