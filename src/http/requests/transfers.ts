/** Bounds the uploads and downloads that a caller may run at once in this process. */
import { DomainError } from "../../domain/errors.ts";
import type { MemberKey } from "../../domain/model.ts";

/** Downloads: about as many as a client needs to show a page of pictures. */
const BOUNDS = { upload: 4, download: 8 };
const RETRY_AFTER_MS = 5_000;

export interface Transfers {
  /**
   * @param caller a member, or an address
   * @param repeatId the id of a request with an `Idempotency-Key`
   * @returns a function to call at the end; safe to repeat
   * @throws DomainError with when to try again: `rate_limited`, or `conflict` while the same request runs
   */
  begin(kind: "upload" | "download", caller: MemberKey | string, repeatId?: string): () => void;
}

/** @param bounds how many of a caller may run at once */
export function createTransfers(bounds: Partial<typeof BOUNDS> = {}): Transfers {
  /** The transfers of each caller. */
  const running = new Map<string, Set<{ repeatId: string | undefined }>>();
  return {
    begin(kind, caller, repeatId) {
      const key = `${kind} ${caller}`;
      const most = { ...BOUNDS, ...bounds }[kind];
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

/** The refusal. For a repetition of a running upload it is `conflict`, because only the first upload is in its way. */
function tooMany(kind: string, most: number, isRepeat: boolean): DomainError {
  const retry = { retryAfterMs: RETRY_AFTER_MS };
  return isRepeat
    ? new DomainError("conflict", `The same ${kind} runs already; try again when it is over`, retry)
    : new DomainError("rate_limited", `At most ${most} ${kind}s run at once; wait until one is over`, retry);
}

/** The same stream. It calls `over` when it ends, fails or is cancelled. */
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
