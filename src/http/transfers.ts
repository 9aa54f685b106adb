/** How many files one caller of this process may send and fetch at the same time. */
import { DomainError } from "../domain/errors.ts";
import type { MemberKey } from "../domain/model.ts";

/** A client that shows a page of pictures fetches about so many side by side. */
const MAX_DOWNLOADS = 8;
const MAX_UPLOADS = 4;
const RETRY_AFTER_MS = 5_000;

export interface Transfers {
  /** @returns how to say that it is over; twice is fine @throws DomainError `rate_limited` with when to try again */
  begin(kind: "upload" | "download", caller: MemberKey): () => void;
}

export function createTransfers(): Transfers {
  const running = new Map<string, number>();
  return {
    begin(kind, caller) {
      const key = `${kind} ${caller}`;
      const most = kind === "upload" ? MAX_UPLOADS : MAX_DOWNLOADS;
      const count = running.get(key) ?? 0;
      if (count >= most) {
        const message = `At most ${most} ${kind}s run at once; wait until one is over`;
        throw new DomainError("rate_limited", message, { retryAfterMs: RETRY_AFTER_MS });
      }
      running.set(key, count + 1);
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        const left = (running.get(key) as number) - 1;
        if (left > 0) running.set(key, left);
        else running.delete(key);
      };
    },
  };
}

/** The stream, which calls `over` when it ended, failed or was cancelled. */
export function untilOver(stream: ReadableStream<Uint8Array>, over: () => void): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          over();
          controller.close();
        } catch (error) {
          over();
          throw error;
        }
      },
      async cancel(reason) {
        over();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
