/**
 * URLs that give access by themselves: to the bytes of a file for a few hours, and to an upload until it ends. They are
 * signed with a key that is derived from the database's secret, so every process makes and takes the same ones. They name nobody: a frame
 * with an event is made once for all who hear it [GW-18.8].
 */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { DomainError } from "../errors.ts";
import type { FileLinks, LinkKind } from "../use-cases/files.ts";

/** The URL of a file changes once in this time, so that all who see the file share it, and caches with them. */
const PERIOD_MS = 3_600_000;
/** Bytes of HMAC-SHA256 in a URL. */
const SIGNATURE_BYTES = 20;
const PATHS: Record<LinkKind, string> = { file: "/files", upload: "/uploads" };

export interface FileLinkOptions {
  secret: string;
  now: () => number;
  /** Where clients reach this server, without a slash at the end. */
  publicUrl: () => string;
}

export function createFileLinks({ secret, now, publicUrl }: FileLinkOptions): FileLinks {
  const key = Buffer.from(hkdfSync("sha256", secret, "", "signed URLs of files", 32));

  function sign(kind: LinkKind, id: string, expires: number): Buffer {
    const mac = createHmac("sha256", key).update(`${kind} ${id} ${expires}`).digest();
    return mac.subarray(0, SIGNATURE_BYTES);
  }

  function link(kind: LinkKind, id: string, expires: number): string {
    const signature = sign(kind, id, expires).toString("base64url");
    return `${publicUrl()}${PATHS[kind]}/${id}?expires=${expires}&signature=${signature}`;
  }

  const period = () => Math.floor(now() / PERIOD_MS);
  return {
    period,
    // [GW-18.7] It holds for an hour at least, and for two at most.
    file: (id) => link("file", id, (period() + 2) * PERIOD_MS),
    upload: (id, expires) => link("upload", id, expires),
    require(kind, id, { expires, signature }) {
      const given = Buffer.from(signature, "base64url");
      const isOurs = given.length === SIGNATURE_BYTES && timingSafeEqual(given, sign(kind, id, expires));
      if (!isOurs) throw new DomainError("forbidden", "The signature of this URL is not valid");
      if (expires <= now()) throw new DomainError("forbidden", "This URL has expired; ask for another one");
    },
  };
}
