/** Wire's conversation code: a guest link. */
import { z } from "@hono/zod-openapi";
import type { GuestLink } from "../../../domain/use-cases/room-settings.ts";
import { guestLinkUrl } from "../../../public-links.ts";
import { text } from "../../requests/fields.ts";

const MAX_LENGTH = 64;

export const codeSchema = z
  .object({
    key: z.string().openapi({ description: "Of the conversation; it stays the same" }),
    code: z.string(),
    uri: z.url().openapi({ description: "Both in one" }),
  })
  .openapi("ConversationCode");
export type CodeBody = z.infer<typeof codeSchema>;

/** The fields of a link in requests. */
export const linkFields = { key: text(MAX_LENGTH), code: text(MAX_LENGTH) };

/** @param publicUrl where clients reach this server */
export function codeBody(link: GuestLink, publicUrl: string): CodeBody {
  return { ...link, uri: guestLinkUrl(link, publicUrl) };
}
