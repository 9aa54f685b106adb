/** Which requests were carried out under which keys of their clients. The promises of ./store.ts hold. */
export interface RepeatStore {
  /**
   * Remembers a request under a key, unless one is remembered since less than 24 hours.
   * @returns the remembered one: its hash, and the id that belongs to it; `isNew`: it was not remembered before
   */
  remember(
    key: Uint8Array,
    request: Uint8Array,
  ): Promise<{ request: Uint8Array; id: string; isNew: boolean }>;
  /**
   * The request under the key was refused: it is forgotten, so that another can have the key. The id stays, because what
   * was sent twice may have been refused once and carried out once.
   */
  forget(key: Uint8Array): Promise<void>;
}
