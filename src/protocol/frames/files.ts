/** Files: PROTOCOL.md, section 18. */
import { z } from "zod";
import { ref, room } from "./fields.ts";

export const FILE_OPS = {
  upload: z.strictObject({
    op: z.literal("upload"),
    ref,
    filename: z.string(),
    type: z.string(),
    size: z.int().min(0),
    sha256: z.string().optional(),
    room: room.optional(),
  }),
  "file.rename": z.strictObject({
    op: z.literal("file.rename"),
    ref,
    attachment: z.string(),
    filename: z.string(),
  }),
};

/** [GW-18.6] A file, in the data of a message and as the answer to the last part of an upload. */
export interface WireAttachment {
  id: string;
  filename: string;
  type: string;
  size: number;
  url: string;
}

/** What `ok` holds beside `op` and `ref`. */
export interface FileAnswers {
  upload: { attachment: string; url: string; method: "PUT"; headers: Record<string, string> };
  "file.rename": { attachment: WireAttachment; duplicate?: true };
}
