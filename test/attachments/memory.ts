/** A place for attachments in memory that can be told to fail. */
import { DomainError } from "../../src/domain/errors.ts";
import type { AttachmentFiles } from "../../src/domain/ports/attachments.ts";
import { bytesOf } from "./contract.ts";

export interface MemoryFiles extends AttachmentFiles {
  kept: Map<string, Buffer>;
  /** Files that came in and were neither kept nor given up. */
  incoming: number;
  /** Keeping fails. */
  away: boolean;
}

export function memoryFiles(): MemoryFiles {
  const kept = new Map<string, Buffer>();
  const files: MemoryFiles = {
    ...{ kept, incoming: 0, away: false },
    async receive(content, most) {
      const bytes = (await bytesOf(content)) as Buffer;
      if (bytes.length > most) return null;
      files.incoming++;
      return {
        size: bytes.length,
        read: () => new Blob([Uint8Array.from(bytes)]).stream(),
        async keep(key) {
          if (files.away) throw new DomainError("unavailable");
          kept.set(key, bytes);
        },
        async discard() {
          files.incoming--;
        },
      };
    },
    async open(key, range) {
      const bytes = kept.get(key);
      const part = range ? bytes?.subarray(range.first, range.last + 1) : bytes;
      return part ? new Blob([Uint8Array.from(part)]).stream() : null;
    },
    async delete(key) {
      kept.delete(key);
    },
    async sweep() {},
  };
  return files;
}
