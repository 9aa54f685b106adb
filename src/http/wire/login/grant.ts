/** What every sign-in has: who asks, and the answer with an access token. */
import { z } from "@hono/zod-openapi";
import type { User } from "../../../domain/model.ts";
import type { HttpContext } from "../../face/face.ts";

export const grant = z
  .object({
    user: z.uuid(),
    access_token: z.string(),
    token_type: z.literal("Bearer"),
    expires_in: z.int().openapi({ description: "Seconds" }),
    refresh_token: z.string().optional().openapi({
      description: "Renews the access token once, at /access; the next one comes with the answer",
    }),
  })
  .openapi("AccessToken");

export function grantOf(signedIn: {
  user: User;
  accessToken: string;
  expiresIn: number;
  refreshToken?: string | null;
}) {
  const { refreshToken } = signedIn;
  return {
    user: signedIn.user.uuid,
    access_token: signedIn.accessToken,
    token_type: "Bearer" as const,
    expires_in: signedIn.expiresIn,
    ...(refreshToken && { refresh_token: refreshToken }),
  };
}

/** Who signs in or renews: the client is known by its `User-Agent`. */
export function renewing(c: HttpContext): { ip: string; client: string } {
  return { ip: c.env.ip, client: c.req.header("User-Agent") ?? "" };
}
