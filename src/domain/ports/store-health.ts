/** Whether the store can be written, as operators, readiness and the gateway are told. */

/** It can't be reached; it takes no writes; its disk is full; it does not answer in time. */
export type StoreTrouble = "away" | "read_only" | "full" | "slow";

export interface StoreCondition {
  readonly state: "ok" | StoreTrouble;
  /** When it began, ms since 1970 by this process's clock. */
  readonly since: number;
  /** What was met; null while all is well. For operators only. */
  readonly detail: string | null;
}

export interface StoreHealth {
  readonly condition: StoreCondition;
  /** Nothing was answered for 5 s: sessions can be kept here no longer. Never true of the embedded database. */
  readonly isAway: boolean;
  /** `listener` is called when `isAway` becomes true. Returns how to stop that. */
  onAway(listener: () => void): () => void;
}
