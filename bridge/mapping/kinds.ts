/** What a message from Matrix is beside its text: how the chat marks it, and the line that stands for what it has no kind of. */
import { z } from "zod";
import { MAX_DATA_BYTES } from "../../src/domain/message-rules.ts";
import type { MessageExtras } from "../../src/domain/model.ts";
import type { SendInput } from "../../src/domain/use-cases/sending.ts";
import type { MatrixEvent } from "./matrix-events.ts";
import { pollLine, pollOf } from "./polls.ts";

type Kind = Pick<SendInput, "type" | "data" | "silent">;
type Said = Pick<MatrixEvent, "type" | "content">;

const ENCRYPTED =
  "🔒 An encrypted message. Causeway has no key to it: write in a client that does not encrypt this room";
const CALLED = "📞 Called in Matrix. Calls there and calls here are not connected";
const SHARES_PLACE = "📍 Shares their live location, which only Matrix clients show";

/** The text of what is no `m.room.message`; null for messages, and for what shows nothing. */
export function lineOf({ type, content }: Said): string | null {
  switch (type) {
    case "m.poll.start":
    case "org.matrix.msc3381.poll.start": {
      const poll = pollOf(content);
      return poll && pollLine(poll);
    }
    case "m.room.encrypted":
      return ENCRYPTED;
    case "m.call.invite":
      return CALLED;
    case "m.beacon_info":
    case "org.matrix.msc3672.beacon_info":
      return content.live === true ? SHARES_PLACE : null;
    default:
      return null;
  }
}

/** @param hasFile whether the message's file was copied */
export function kindOf({ type, content }: Said, hasFile: boolean): Kind {
  const poll = pollOf(content);
  if (poll) return fitting("poll", { ...poll });
  if (type !== "m.room.message") return {};
  switch (content.msgtype) {
    // A program wrote it: nobody is alarmed, and other programs leave it unanswered.
    case "m.notice":
      return { type: "x.matrix.notice", silent: true };
    case "m.location": {
      const { geo_uri: uri } = content;
      return typeof uri === "string" && GEO_URI.test(uri) ? fitting("location", { uri }) : {};
    }
    case "m.audio":
      return hasFile && content["org.matrix.msc3245.voice"] !== undefined
        ? fitting("voice", voice.parse(content["org.matrix.msc1767.audio"]))
        : {};
    default:
      return {};
  }
}

/** RFC 5870, as far as it is printable. */
const GEO_URI = /^geo:[\x21-\x7e]{1,200}$/;
const MAX_WAVEFORM = 200;
/** `duration` in ms, `waveform` from 0 to 1,024. */
const voice = z
  .object({
    duration: z.number().int().min(0).optional().catch(undefined),
    waveform: z
      .array(z.number().int().min(0).max(1_024))
      .transform((heights) => heights.slice(0, MAX_WAVEFORM))
      .optional()
      .catch(undefined),
  })
  .catch({});

/** Without its data where that is more than the chat takes. */
function fitting(type: string, data: Record<string, unknown>): Kind {
  return Buffer.byteLength(JSON.stringify(data)) > MAX_DATA_BYTES ? { type } : { type, data };
}

// ── To Matrix ────────────────────────────────────────────────────────────────────────────────────────

/** What a message of the chat is beside its text, as the log has it. */
export type Marked = Pick<MessageExtras, "kind" | "data">;

/** What the content of a text message has beside it: its place, if it shares one that Matrix clients can show. */
export function placeOf({ kind, data }: Marked): { msgtype?: "m.location"; geo_uri?: string } {
  const uri = data?.uri;
  const isPlace = kind === "location" && typeof uri === "string" && GEO_URI.test(uri);
  return isPlace ? { msgtype: "m.location", geo_uri: uri } : {};
}

/** What the content of a sound has beside the file: clients show a voice message with its waveform. */
export function voiceOf({ kind, data }: Marked, type: string): object {
  if (kind !== "voice" || !type.startsWith("audio/")) return {};
  return { "org.matrix.msc1767.audio": voice.parse(data), "org.matrix.msc3245.voice": {} };
}
