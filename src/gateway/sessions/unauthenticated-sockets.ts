/** [GW-2.9] Counts the sockets that have not said hello, by address: each address may have a bounded number of them. */
import { addressBlock } from "../../domain/auth/address-block.ts";
import type { Session } from "./session.ts";

/** Many people may share one address, and come back at once; each says hello within a round trip. */
const MAX_PER_ADDRESS = 1_000;

export class UnauthenticatedSockets {
  readonly #blocks = new Map<Session, string>();
  readonly #counts = new Map<string, number>();

  /** @returns whether its address may have one more */
  add(session: Session): boolean {
    const block = addressBlock(session.connection.ip);
    const count = (this.#counts.get(block) ?? 0) + 1;
    this.#blocks.set(session, block);
    this.#counts.set(block, count);
    return count <= MAX_PER_ADDRESS;
  }

  /** The socket said hello, or is gone. Calling it twice is fine. */
  delete(session: Session): void {
    const block = this.#blocks.get(session);
    if (block === undefined) return;
    this.#blocks.delete(session);
    const count = (this.#counts.get(block) ?? 0) - 1;
    if (count > 0) this.#counts.set(block, count);
    else this.#counts.delete(block);
  }
}
