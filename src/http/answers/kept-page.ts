/** What is answered to everybody alike stays the same while the process runs: its bytes and its ETag are made once. */
import { createHash } from "node:crypto";

export interface KeptPage {
  bytes: Uint8Array<ArrayBuffer>;
  /** For the header `ETag`. */
  tag: string;
}

export function keptPage(bytes: Uint8Array<ArrayBuffer>): KeptPage {
  return { bytes, tag: `"${createHash("sha256").update(bytes).digest("base64url")}"` };
}
