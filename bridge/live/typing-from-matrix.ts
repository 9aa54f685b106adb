/**
 * Who types in Matrix, shown in the chat. The homeserver tells all who type in a room whenever that changes, and not that somebody
 * goes on; the chat wants to hear of it every few seconds.
 */
import { DomainError } from "../../src/domain/errors.ts";
import { actorOf, type MemberKey, memberKey } from "../../src/domain/model.ts";
import type { PresenceUseCases } from "../../src/domain/use-cases/live.ts";
import type { Logger } from "../../src/logger.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { BridgeLive, LiveMember } from "../store/live.ts";
import { createTicks, unlessFailed } from "./ticks.ts";

export interface TypingFromMatrix {
  /** Takes an event `m.typing` of a room. Anything else that was said as one is passed over. */
  receive(event: { room_id: string; content: Record<string, unknown> }): void;
  /** Whether Matrix says that this member types. */
  isHeard(roomId: number, member: MemberKey): boolean;
  stop(): Promise<void>;
}

export interface TypingFromMatrixOptions {
  store: Pick<BridgeLive, "liveMembers">;
  ghosts: Ghosts;
  /** Whether the bridge itself shows the ghost as typing. */
  isShown: (matrixRoomId: string, matrixId: string) => boolean;
  presence: Pick<PresenceUseCases, "typing">;
  counts: BridgeCounts;
  logger: Pick<Logger, "warn">;
}

interface Typist extends LiveMember {
  matrixRoomId: string;
  /** When this was heard, ms. */
  since: number;
}

const TICK_MS = 10;
/** The chat shows typing for 8 s. */
const REFRESH_MS = 4_000;
/** The end of typing may be lost: after this it is taken as ended. */
const MAX_TYPING_MS = 120_000;
const MAX_ROOMS = 500;
const MAX_TYPISTS = 1_000;
/** Of one room. */
const MAX_LISTED = 50;
const MATRIX_ID = /^@[^\0]{1,254}$/;
/** Stands for all Matrix clients of a person. */
const SESSION = "matrix";

export function createTypingFromMatrix(options: TypingFromMatrixOptions): TypingFromMatrix {
  const { store, ghosts, isShown, presence, counts, logger } = options;
  /** What was told last and not looked at yet, by Matrix room. */
  const told = new Map<string, MemberKey[]>();
  const typists = new Map<string, Typist>();
  const ticks = createTicks(
    TICK_MS,
    unlessFailed(applyAll, tellFailure, () => told.size > 0),
  );
  const refreshes = createTicks(
    REFRESH_MS,
    unlessFailed(refresh, tellFailure, () => typists.size > 0),
  );

  function tellFailure(error: unknown): void {
    logger.warn(
      { event: "bridge.typing_failed", err: error },
      "could not show in the chat who types in Matrix",
    );
  }

  async function applyAll(): Promise<void> {
    const [next] = told;
    if (!next) return;
    told.delete(next[0]);
    await apply(...next);
  }

  async function apply(matrixRoomId: string, members: readonly MemberKey[]): Promise<void> {
    const before = [...typists].filter(([, typist]) => typist.matrixRoomId === matrixRoomId);
    const known = new Set(before.map(([, { member }]) => member));
    const fresh = members.filter((member) => !known.has(member));
    const found = fresh.length > 0 ? await store.liveMembers(matrixRoomId, fresh) : [];
    for (const [key, typist] of before) {
      if (members.includes(typist.member)) continue;
      typists.delete(key);
      await show(typist, false);
    }
    for (const member of found) {
      if (typists.size >= MAX_TYPISTS) return void counts.liveDropped++;
      const typist = { ...member, matrixRoomId, since: performance.now() };
      typists.set(keyOf(typist), typist);
      await show(typist, true);
    }
    if (typists.size > 0) refreshes.start();
  }

  async function refresh(): Promise<void> {
    const oldest = performance.now() - MAX_TYPING_MS;
    for (const [key, typist] of typists) {
      if (typist.since < oldest) typists.delete(key);
      else await show(typist, true);
    }
  }

  async function show({ member, name, token }: LiveMember, on: boolean): Promise<void> {
    try {
      await presence.typing(actorOf(member, name), token, on, SESSION);
    } catch (error) {
      // Who may not write, or waits in the lobby, is not shown.
      if (!(error instanceof DomainError)) throw error;
    }
  }

  function memberOf(matrixRoomId: string, matrixId: unknown): MemberKey[] {
    if (typeof matrixId !== "string" || !MATRIX_ID.test(matrixId) || isShown(matrixRoomId, matrixId))
      return [];
    const ghost = ghosts.read(matrixId);
    if (ghost === null) return [memberKey({ kind: "matrix", id: matrixId })];
    return ghost.kind === "user" ? [memberKey({ kind: "user", id: String(ghost.userId) })] : [];
  }

  return {
    receive({ room_id: matrixRoomId, content: { user_ids: ids } }) {
      if (!Array.isArray(ids)) return;
      if (told.size >= MAX_ROOMS && !told.has(matrixRoomId)) return void counts.liveDropped++;
      const members = ids.slice(0, MAX_LISTED).flatMap((id) => memberOf(matrixRoomId, id));
      told.set(matrixRoomId, members);
      ticks.start();
    },
    isHeard: (roomId, member) => typists.has(keyOf({ roomId, member })),
    async stop() {
      await Promise.all([ticks.stop(), refreshes.stop()]);
    },
  };
}

function keyOf({ roomId, member }: Pick<LiveMember, "roomId" | "member">): string {
  return `${roomId} ${member}`;
}
