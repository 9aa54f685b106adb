/** Pages that are the same for everybody and for the whole run of the process. Bytes and ETag are made once. */
import { createHash } from "node:crypto";

export interface KeptPage {
  bytes: Uint8Array<ArrayBuffer>;
  /** For the header `ETag`. */
  tag: string;
}

export function keptPage(bytes: Uint8Array<ArrayBuffer>): KeptPage {
  return { bytes, tag: `"${createHash("sha256").update(bytes).digest("base64url")}"` };
}
