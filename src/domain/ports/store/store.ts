/**
 * The store: the only truth. What callers may rely on:
 *
 * - **Durable.** A promise resolves after the commit (`synchronous_commit` on), never before.
 * - **Ordered.** Within a room, order of `seq` is order of commit; `seq` is gapless and starts at 1.
 * - **Idempotent.** A send with a known `(room, sender, id)` returns the first result, for ever, on any gateway.
 * - **Safe to retry.** After a lost connection the outcome is looked up, not guessed.
 * - Errors are `DomainError`: `busy` (the queue is full), `unavailable` (the database can't be reached).
 *   Both mean that nothing may be assumed lost or stored; repeating the same call is safe.
 */
import type { LoggedEvent } from "../../model.ts";
import type { Clock } from "../clock.ts";
import type { StoreHealth } from "../store-health.ts";
import type { CredentialStore, LoginStore, TokenStore } from "./accounts/credentials.ts";
import type { IdentityStore } from "./accounts/identities.ts";
import type { GroupStore, OrganizationStore } from "./accounts/organizations.ts";
import type { PeopleStore } from "./accounts/people.ts";
import type { UserStore } from "./accounts/users.ts";
import type { Journal } from "./journal.ts";
import type { LogPlace, RoomLog } from "./log.ts";
import type { MembershipStore } from "./memberships.ts";
import type { MessageStore } from "./messages.ts";
import type { ReceiptStore } from "./receipts.ts";
import type { RepeatStore } from "./repeats.ts";
import type { RoomLists } from "./room-lists.ts";
import type { AvatarStore, ChatroomQueries, RoomQueries } from "./rooms.ts";
import type { MessageSearch } from "./search.ts";
import type { ThreadStore } from "./threads.ts";
import type { StoreTransaction } from "./transaction.ts";
import type { UploadStore } from "./uploads.ts";
import type { VisitStore } from "./visits.ts";
import type { WebhookStore } from "./webhooks.ts";

export interface Store {
  /** The current `history.epoch`. */
  readonly epoch: string;
  readonly history: History;
  /** Random, made once, with the database, and the same in every process: keys are derived from it. Never shown. */
  readonly secret: string;
  readonly clock: Clock;
  readonly log: RoomLog;
  readonly rooms: RoomQueries;
  readonly roomLists: RoomLists;
  readonly memberships: MembershipStore;
  readonly receipts: ReceiptStore;
  readonly chatrooms: ChatroomQueries;
  readonly avatars: AvatarStore;
  readonly users: UserStore;
  readonly organizations: OrganizationStore;
  readonly groups: GroupStore;
  readonly tokens: TokenStore;
  readonly logins: LoginStore;
  readonly credentials: CredentialStore;
  readonly identities: IdentityStore;
  readonly journal: Journal;
  readonly messages: MessageStore;
  readonly uploads: UploadStore;
  readonly threads: ThreadStore;
  readonly search: MessageSearch;
  readonly people: PeopleStore;
  readonly repeats: RepeatStore;
  readonly visits: VisitStore;
  readonly webhooks: WebhookStore;
  /**
   * Runs `work` in one transaction. Run again as a whole after a deadlock, a serialization failure or a connection
   * lost before the commit, so `work` must have no effects of its own. Inside it wait for `tx` only: another call of
   * the store may need the connection that the transaction holds (the embedded database has just one).
   * A failed statement undoes everything, also when its error is caught. A connection lost during the commit throws
   * `unavailable`: then all of it is stored, or nothing.
   * Events appended in it are given to `onCommitted` listeners after the commit.
   */
  transaction<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T>;
  /**
   * `listener` hears every event that this process committed, in a later turn of the event loop than the one in which
   * the promises of the commit resolved: acknowledge first, then publish. One call has each room's events in `seq`
   * order. Go by `seq` across calls: two commits that end at the same moment may be told in either order, and after a
   * lost connection an event may be told again.
   */
  onCommitted(listener: (events: LoggedEvent[]) => void): void;
  /** Throws `unavailable` when the database does not answer within 2 s. */
  ping(): Promise<void>;
  readonly health: StoreHealth;
  /** Figures for `/metrics` and the admin API. */
  stats(): StoreStats;
  /** For operators: exact up to 10,000 rooms, then the database's own estimates, so that asking never reads every room. */
  counts(): Promise<StoreCounts>;
  /** Waits for what is in flight, then closes the connections. */
  close(): Promise<void>;
}

/**
 * The identity of the database's history. Two histories of one room may hold different events under the same seq: one
 * begins where the other was cut, by a restore or by the promotion of a replica that lacked the end. What outlives the
 * database (hot state, cursors that clients hold, transaction ids) has to name the history that it belongs to.
 */
export interface History {
  /** Random. Made with the database and made anew when its history is found to be another; see deploy/BACKUP.md. */
  readonly epoch: string;
  /**
   * `listener` is called after `epoch` changed while this process lives: everything that was remembered of the log, and
   * everything under the old epoch, counts for nothing from now on.
   * @returns how to stop listening
   */
  onChange(listener: () => void): () => void;
  /**
   * Names the places in the log that the process has come to: before a new connection is used after a loss they are
   * compared with the log that it leads to.
   * @returns how to stop
   */
  hold(places: () => readonly LogPlace[]): () => void;
  /**
   * Somebody was told of an event under this epoch that the log has not: the epoch is made anew, unless it is another
   * one by now.
   */
  lost(epoch: string): Promise<void>;
}

export interface StoreCounts {
  organizations: number;
  users: number;
  rooms: number;
  messages: number;
}

export interface StoreStats {
  queued: number;
  inFlightBatches: number;
  batches: number;
  appended: number;
  duplicates: number;
  /** Size of the last batch. */
  lastBatchSize: number;
  /** SQL statements sent so far, those of transactions (with begin and commit) included. */
  statements: number;
  /** Connections to the database that are in use. */
  connectionsInUse: number;
  /** Pieces of work that wait for a connection. */
  waiting: number;
}
