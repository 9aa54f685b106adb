/** How many files one caller of this process may send and fetch at the same time. */
import { DomainError } from "../../domain/errors.ts";
import type { MemberKey } from "../../domain/model.ts";

/** A client that shows a page of pictures fetches about so many side by side. */
const MAX_DOWNLOADS = 8;
const MAX_UPLOADS = 4;
const RETRY_AFTER_MS = 5_000;

export interface Transfers {
  /**
   * @param repeatId names a request that may be repeated
   * @returns how to say that it is over; twice is fine
   * @throws DomainError with when to try again: `rate_limited`, or `conflict` while the same request runs
   */
  begin(kind: "upload" | "download", caller: MemberKey, repeatId?: string): () => void;
}

export function createTransfers(): Transfers {
  /** What each caller sends and fetches; of what may be repeated, its name. */
  const running = new Map<string, Set<{ repeatId: string | undefined }>>();
  return {
    begin(kind, caller, repeatId) {
      const key = `${kind} ${caller}`;
      const most = kind === "upload" ? MAX_UPLOADS : MAX_DOWNLOADS;
      const others = running.get(key) ?? new Set();
      if (others.size >= most) throw tooMany(kind, most, isAmong(others, repeatId));
      const transfer = { repeatId };
      running.set(key, others.add(transfer));
      return () => {
        others.delete(transfer);
        if (others.size === 0 && running.get(key) === others) running.delete(key);
      };
    },
  };
}

function isAmong(running: Iterable<{ repeatId: string | undefined }>, repeatId: string | undefined): boolean {
  return repeatId !== undefined && [...running].some((one) => one.repeatId === repeatId);
}

/** A client that repeats a request sends nothing more than it did: that the first one runs is all that is in its way. */
function tooMany(kind: string, most: number, isRepeat: boolean): DomainError {
  const retry = { retryAfterMs: RETRY_AFTER_MS };
  return isRepeat
    ? new DomainError("conflict", `The same ${kind} runs already; try again when it is over`, retry)
    : new DomainError("rate_limited", `At most ${most} ${kind}s run at once; wait until one is over`, retry);
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
