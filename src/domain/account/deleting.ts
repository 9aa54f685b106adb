/**
 * Deleting one's own account. The account is gone at once; what it leaves behind goes step by step, each in a transaction of
 * its own, so that a process may be killed between any two: first the user leaves all rooms, then the whole log is walked
 * through, and the user's name and, where they go, messages are taken out of it.
 */
import type { Context } from "../context/context.ts";
import { announcingDeleted } from "../context/renamed.ts";
import { DomainError } from "../errors.ts";
import type { MessagePlace } from "../ids.ts";
import { type Deleted, deleteMessages } from "../messages/deletion.ts";
import { DELETED_USER, SYSTEM_ACTOR } from "../model.ts";
import type { AccountDeletion } from "../ports/store/accounts/deletions.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import { createRecount } from "../reading/recount.ts";
import type { UnreadCache } from "../reading/unread.ts";
import { type Departure, removePeople } from "../rooms/members.ts";
import type { AccountDeletions } from "../use-cases/accounts.ts";
import type { ProofCheck } from "./proof.ts";

/** Rooms that are left in one transaction. */
const MAX_ROOMS = 20;
/** Messages that are deleted in one transaction: whoever writes in their rooms waits for it. */
const MAX_MESSAGES = 100;

interface Parts {
  checkProof: ProofCheck;
  departed(gone: readonly Departure[]): Promise<void>;
  unread: UnreadCache;
}

type Gone = Deleted & MessagePlace & { room: string };

/** What one transaction did. */
interface Step {
  departures: Departure[];
  gone: Gone[];
}

export function createAccountDeletions(
  context: Context,
  { checkProof, departed, unread }: Parts,
): AccountDeletions {
  const { store, hot, broadcasts } = context;
  const recount = createRecount(context, unread);

  /** Whether the user's messages go: an organization that erases wins over one that keeps, and both over the wish. */
  async function erases(userId: number, wish: boolean): Promise<boolean> {
    const rules = (await store.organizations.of(userId)).map(
      ({ organization }) => organization.deletedMessages,
    );
    if (rules.includes("erase")) return true;
    return rules.includes("keep") ? false : wish;
  }

  return {
    async delete(user, proof, { erase }) {
      const { id } = user;
      await checkProof(user, proof, "password");
      const erased = await erases(id, erase);
      const announce = await announcingDeleted(context, id);
      await store.transaction(async (tx) => {
        if (!(await tx.users.delete(id))) throw new DomainError("unauthorized", "The account was deleted");
        await tx.deletions.begin(id, erased);
      });
      broadcasts.userChanged(id);
      announce();
      await context.bestEffort("Ending a user's access tokens", () => hot.tokens.dropUser(id));
      return { erased };
    },
    async sweep() {
      for (;;) {
        const step = await store.transaction(async (tx) => {
          const deletion = await tx.deletions.take();
          return deletion && (await doNext(tx, deletion));
        });
        if (!step) return;
        await departed(step.departures);
        await recount.deleted(step.gone);
      }
    },
  };
}

async function doNext(tx: StoreTransaction, deletion: AccountDeletion): Promise<Step> {
  const rooms = (await tx.roomIdsOf(deletion.member)).slice(0, MAX_ROOMS);
  if (rooms.length > 0) return { departures: await leave(tx, deletion, rooms), gone: [] };
  const { messages, end } = await tx.deletions.traces(deletion, MAX_MESSAGES, MAX_ROOMS);
  const gone = deletion.erase ? await erase(tx, messages) : [];
  await tx.deletions.rename(deletion, end, DELETED_USER);
  if (end === null) await tx.deletions.finish(deletion.userId);
  return { departures: [], gone };
}

async function leave(
  tx: StoreTransaction,
  { member }: AccountDeletion,
  roomIds: number[],
): Promise<Departure[]> {
  const departures: Departure[] = [];
  for (const room of await tx.lockRooms(roomIds)) {
    // The block ends with the user.
    if (room.blocked) await tx.updateRoom(room.id, { blocked: false });
    departures.push(...(await removePeople(tx, SYSTEM_ACTOR, room, [member])));
  }
  return departures;
}

async function erase(tx: StoreTransaction, messages: readonly MessagePlace[]): Promise<Gone[]> {
  const rooms = await tx.lockRooms([...new Set(messages.map(({ roomId }) => roomId))]);
  const gone: Gone[] = [];
  for (const { id: roomId, token: room } of rooms) {
    const seqs = messages.filter((one) => one.roomId === roomId).map(({ seq }) => seq);
    for (const deleted of await deleteMessages(tx, SYSTEM_ACTOR, roomId, seqs))
      gone.push({ ...deleted, roomId, room });
  }
  return gone;
}
