/** [B.1] The capabilities of this server, by which clients decide what to show. */
import { z } from "@hono/zod-openapi";
import type { TalkParts } from "../common/parts.ts";

export const MAX_MESSAGE_LENGTH = 32_000;

const FEATURES = [
  "audio",
  "video",
  "chat-v2",
  "guest-signaling",
  "empty-group-room",
  "guest-display-names",
  "multi-room-users",
  "favorites",
  "last-room-activity",
  "no-ping",
  "system-messages",
  "mention-flag",
  "in-call-flags",
  "notification-levels",
  "invite-groups-and-mails",
  "locked-one-to-one-rooms",
  "read-only-rooms",
  "chat-read-marker",
  "webinary-lobby",
  "start-call-flag",
  "chat-replies",
];

const schema = z
  .object({
    version: z.object({
      major: z.int(),
      minor: z.int(),
      micro: z.int(),
      string: z.string(),
      edition: z.string(),
    }),
    capabilities: z.object({
      spreed: z.object({
        features: z.array(z.string()),
        config: z.object({
          attachments: z.object({ allowed: z.boolean() }),
          chat: z.object({ "max-length": z.int() }),
          conversations: z.object({ "can-create": z.boolean() }),
        }),
      }),
    }),
  })
  .openapi("Capabilities");

/** The API version with which Talk 8 was released. */
const VERSION = { major: 18, minor: 0, micro: 0, string: "18.0.0", edition: "" };

export function registerCapabilities({ open }: TalkParts): void {
  open(
    {
      ...{ method: "get", path: "/cloud/capabilities", summary: "What the server can do" },
      answers: { 200: { data: schema, description: "By part" } },
    },
    ({ caller }) => ({
      status: 200,
      data: {
        version: VERSION,
        capabilities: {
          spreed: {
            features: FEATURES,
            config: {
              attachments: { allowed: false },
              chat: { "max-length": MAX_MESSAGE_LENGTH },
              conversations: { "can-create": caller.kind === "user" },
            },
          },
        },
      },
    }),
  );
}
