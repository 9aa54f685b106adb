/**
 * Requests begin one by one: between any two of them the sockets are read. Strangers on hundreds of connections make
 * each other wait, and no session's ping. A request that waits for something (the store, a long poll) holds nobody up.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;

  /** Resolves when the request may begin: at once, unless another began since the sockets were last read. */
  async next(): Promise<void> {
    if (!this.#isTaken) {
      this.#isTaken = true;
      setImmediate(this.#pass);
      return;
    }
    await new Promise<void>((begin) => this.#waiting.push(begin));
  }

  /** Immediates run after the sockets were read, and one that is set by another waits until they were read again. */
  readonly #pass = (): void => {
    const begin = this.#waiting.shift();
    if (!begin) {
      this.#isTaken = false;
      return;
    }
    setImmediate(this.#pass);
    begin();
  };
}
