/**
 * A pool of connections. Each is lent to one piece of work at a time, and replaced when it breaks. Waiting work gets
 * connections in order, urgent work first.
 */
import type { Connection } from "./connection.ts";
import { ConnectionLost, databaseAway } from "./failures.ts";

export interface Pool {
  /**
   * Lends a connection to `work` until it settles.
   * @throws ConnectionLost when none becomes free in time; DomainError `unavailable` once the pool has ended
   */
  use<T>(work: (connection: Connection) => Promise<T>, options?: { urgent?: boolean }): Promise<T>;
  /** The connections that are lent, and the pieces of work that wait for one. */
  stats(): { inUse: number; waiting: number };
  /** Refuses new work, waits for the work under way, and closes every connection. */
  end(): Promise<void>;
  /** Refuses new work and breaks off the work under way. */
  abort(): void;
}

export interface PoolOptions {
  max: number;
  /** How long to wait for a free connection. */
  waitMs: number;
  /** Older connections are renewed, so that a database whose address moved is found again. */
  maxAgeMs: number;
  connect: () => Connection;
  /** Called with the wait when work that had to wait gets its connection. */
  onWait?: ((seconds: number) => void) | undefined;
}

interface Waiter {
  resolve: (connection: Connection) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

export function openPool({ max, waitMs, maxAgeMs, connect, onWait }: PoolOptions): Pool {
  const idle: Connection[] = [];
  const lent = new Set<Connection>();
  const waiters: Waiter[] = [];
  let ended = false;
  let onQuiet: (() => void) | undefined;

  function lend(): Connection {
    let connection = idle.pop();
    while (connection && (connection.broken || performance.now() - connection.since > maxAgeMs)) {
      connection.close();
      connection = idle.pop();
    }
    connection ??= connect();
    lent.add(connection);
    return connection;
  }

  function wait(urgent: boolean): Promise<Connection> {
    const since = performance.now();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiters.splice(waiters.indexOf(waiter), 1);
        reject(new ConnectionLost(`No connection to the database became free in ${waitMs} ms`, {}, null));
      }, waitMs);
      const got = (connection: Connection) => {
        onWait?.((performance.now() - since) / 1_000);
        resolve(connection);
      };
      const waiter: Waiter = { resolve: got, reject, timer };
      if (urgent) waiters.unshift(waiter);
      else waiters.push(waiter);
    });
  }

  function takeBack(connection: Connection): void {
    lent.delete(connection);
    if (!connection.broken) idle.push(connection);
    const next = waiters.shift();
    if (next) {
      clearTimeout(next.timer);
      next.resolve(lend());
    } else if (lent.size === 0) onQuiet?.();
  }

  return {
    async use(work, { urgent = false } = {}) {
      if (ended) throw closed();
      const connection = lent.size < max ? lend() : await wait(urgent);
      try {
        return await work(connection);
      } finally {
        takeBack(connection);
      }
    },
    stats: () => ({ inUse: lent.size, waiting: waiters.length }),
    async end() {
      ended = true;
      if (lent.size > 0) {
        await new Promise<void>((resolve) => {
          onQuiet = resolve;
        });
      }
      for (const connection of idle.splice(0)) connection.close();
    },
    abort() {
      ended = true;
      for (const { timer, reject } of waiters.splice(0)) {
        clearTimeout(timer);
        reject(closed());
      }
      for (const connection of lent) connection.kill();
    },
  };
}

function closed(): Error {
  return databaseAway(new Error("The store is closed"));
}
