/** PostgreSQL of a run, and the hand of its operator: who is synchronous, who takes over, what is restored. */
import { type PostgresPair, startPostgresPair } from "../../services/postgres-replica.ts";

export interface Database {
  readonly pair: PostgresPair;
  readonly name: string;
  /** The primary waits for the standby, from when that has everything. */
  expectStandby(): Promise<void>;
  /** The primary goes on alone. */
  forgetStandby(): Promise<void>;
  setReadOnly(isReadOnly: boolean): Promise<void>;
  /** Every append ends as on a full disk. */
  setFull(isFull: boolean): Promise<void>;
  /** The head of each room, by its name on the wire. */
  heads(): Promise<Map<string, number>>;
}

const FULL = `
  create or replace function faults_full() returns trigger language plpgsql as $$ begin
    raise exception 'could not extend file "base/1/1": No space left on device' using errcode = '53100';
  end $$;
  create trigger faults_full before insert on events for each statement execute function faults_full()`;

export async function startDatabase(isSynchronous: boolean): Promise<Database> {
  const pair = await startPostgresPair({ synchronous: isSynchronous });
  const name = await pair.createDatabase();
  const configure = (setting: string, value: string) => pair.primary.configure(setting, value);
  return {
    pair,
    name,
    expectStandby: async () => {
      await pair.caughtUp();
      if (!isSynchronous) return;
      await configure("synchronous_standby_names", "*");
      // What was written just before the setting took effect is covered from here on.
      await pair.caughtUp();
    },
    forgetStandby: () => configure("synchronous_standby_names", ""),
    setReadOnly: (isReadOnly) => configure("default_transaction_read_only", isReadOnly ? "on" : "off"),
    setFull: async (isFull) => {
      await pair.primary.query(isFull ? FULL : "drop trigger if exists faults_full on events", name);
    },
    heads: async () => {
      const rows = await pair.primary.query<{ token: string; head: string }>(
        "select token, head_seq as head from room_heads",
        name,
      );
      return new Map(rows.map(({ token, head }) => [token, Number(head)]));
    },
  };
}
