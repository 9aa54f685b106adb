/** A server under load: Causeway or a peer. */
import type { DialectName } from "../dialects/dialects.ts";
import type { ClientSpec } from "../orders.ts";

export interface Target {
  readonly name: string;
  readonly url: URL;
  readonly dialect: DialectName;
  /** Processes whose CPU and memory are measured; null where they are not ours to see, or where there is none. */
  readonly pids: { server: number | null; database: number | null };
  /** Makes people and rooms that nobody used before. */
  populate(plan: Plan, onProgress: (done: number, total: number) => void): Promise<Population>;
  /** Starts the server afresh, so that its memory holds nothing of `populate`; absent where that is not ours to do. */
  restart?(): Promise<void>;
  /** Removes what was made, and ends what was started. */
  stop(): Promise<void>;
}

export interface Plan {
  people: number;
  /** The members of each room, as numbers of people from 0. */
  rooms: number[][];
}

export interface Population {
  /** A token for each person. */
  tokens: string[];
  /** The name of each room in frames. */
  rooms: string[];
}

/** `rooms` rooms of `members` people each; nobody is in two of them. */
export function separateRooms(rooms: number, members: number): Plan {
  return {
    people: rooms * members,
    rooms: Array.from({ length: rooms }, (_, room) =>
      Array.from({ length: members }, (_, member) => room * members + member),
    ),
  };
}

/** A client for each person of the plan, in all of that person's rooms. */
export function clientsOf(plan: Plan, { tokens, rooms }: Population): ClientSpec[] {
  const clients = tokens.map((token): ClientSpec => ({ token, rooms: [] }));
  plan.rooms.forEach((members, index) => {
    for (const member of members) clients[member]?.rooms.push(rooms[index] as string);
  });
  return clients;
}
