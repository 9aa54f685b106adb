/**
 * Answers invitations of ghosts to rooms that the bridge did not make. A direct chat with somebody elsewhere in Matrix becomes a
 * request in the chat; the other invitations are refused with a reason, which clients show to who invited.
 */
import { backoffMs } from "../../../src/domain/backoff.ts";
import { DomainError } from "../../../src/domain/errors.ts";
import { type Actor, memberKey, pairOf, userActor, userKey } from "../../../src/domain/model.ts";
import type { UserStore } from "../../../src/domain/ports/store/accounts/users.ts";
import type { UseCases } from "../../../src/domain/use-cases/use-cases.ts";
import type { Logger } from "../../../src/logger.ts";
import type { GhostAccounts } from "../../homeserver/ghost-accounts.ts";
import { HomeserverError } from "../../homeserver/homeserver-error.ts";
import type { Ghosts } from "../../mapping/ghosts.ts";
import type { BridgeStore } from "../../store/bridge-store.ts";
import type { OpenInvitation } from "../../store/invitations.ts";

export interface Invitations {
  /** Answers all that are due. Failures are logged and tried again later. */
  run(): Promise<void>;
}

export interface InvitationsOptions {
  store: Pick<
    BridgeStore,
    | "leaseInvitations"
    | "claimPair"
    | "invitationAsked"
    | "refuseInvitation"
    | "invitationDone"
    | "invitationFailed"
  >;
  users: Pick<UserStore, "byId">;
  useCases: Pick<UseCases, "matrixRequests" | "oneToOne">;
  accounts: GhostAccounts;
  ghosts: Ghosts;
  /** Whether people elsewhere in Matrix may ask users for a direct chat. */
  requests: boolean;
  logger: Pick<Logger, "info" | "warn">;
}

const REASONS = {
  nobody: "There is nobody under this name who takes invitations",
  group: "Groups that were made in Matrix can't be carried here; invite this person to a direct chat",
  encrypted: "Encrypted chats can't be carried here; invite this person to a chat without encryption",
  closed: "This server takes no invitations from elsewhere in Matrix",
  declined: "The invitation was declined",
  asked: "You have asked this person before, and they have not answered yet",
  known: "You have a chat with each other already: write there",
  native: "Your chat with each other is another room, to which you are invited",
  many: "Too many invitations wait for an answer; try again later",
};

const BATCH = 20;
const LEASE_MS = 60_000;
const RETRIES = { firstMs: 1_000, maxMs: 5 * 60_000 };

export function createInvitations(options: InvitationsOptions): Invitations {
  const { store, users, useCases, accounts, ghosts, logger } = options;

  /** @returns why the invitation is refused, or null when it is a request in the chat now */
  async function decide(invitation: OpenInvitation): Promise<string | null> {
    const target = ghosts.read(invitation.ghost);
    const sender = ghosts.read(invitation.sender);
    if (target?.kind !== "user") return REASONS.nobody;
    if (sender !== null)
      return sender.kind === "user"
        ? await ofUser(sender.userId, target.userId, invitation.direct)
        : REASONS.nobody;
    if (!options.requests) return REASONS.closed;
    if (!invitation.direct) return REASONS.group;
    if (invitation.encrypted) return REASONS.encrypted;
    const person = { kind: "matrix" as const, id: invitation.sender, name: invitation.senderName };
    return await ask(invitation, person, target.userId);
  }

  /** The pair is stored first, so that a room that the user accepts at once is known for this invitation's. */
  async function ask(
    { eventId, pair }: OpenInvitation,
    person: Actor,
    userId: number,
  ): Promise<string | null> {
    const claimed = pairOf(memberKey(person), userKey(userId));
    if (!(await store.claimPair(eventId, claimed))) return REASONS.asked;
    try {
      await useCases.matrixRequests.ask(person, userId);
    } catch (error) {
      // It was asked by an interrupted try, and accepted since.
      if (pair === null || !(error instanceof DomainError) || error.code !== "conflict") throw error;
    }
    await store.invitationAsked(eventId);
    return null;
  }

  /** Two users have their one-to-one room, which is made where there is none. */
  async function ofUser(senderId: number, targetId: number, direct: boolean): Promise<string> {
    if (!direct) return REASONS.group;
    const [sender, target] = await Promise.all([senderId, targetId].map((id) => users.byId(id)));
    if (!sender || !target) return REASONS.nobody;
    await useCases.oneToOne.open(userActor(sender), userActor(target));
    return REASONS.native;
  }

  async function decideOrRefuse(invitation: OpenInvitation): Promise<string | null> {
    try {
      return await decide(invitation);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      switch (error.code) {
        case "conflict":
          return REASONS.known;
        case "too_large":
        case "rate_limited":
          return REASONS.many;
        default:
          if (error.retry) throw error;
          return REASONS.nobody;
      }
    }
  }

  /** The ghost leaves, which takes the invitation away. Nothing is left to do where it was withdrawn. */
  async function leave({ matrixRoomId, ghost }: OpenInvitation, reason: string): Promise<void> {
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(matrixRoomId)}/leave`;
    try {
      await accounts.request(ghost, "POST", path, { body: { reason } });
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.temporary) throw error;
      if (!error.says("M_FORBIDDEN", "M_NOT_FOUND", "M_UNKNOWN")) throw error;
    }
  }

  async function answer(invitation: OpenInvitation): Promise<void> {
    const { eventId, refusal, asked } = invitation;
    // One that became a request comes here again when the request was refused.
    const reason = refusal ?? (asked ? REASONS.declined : await decideOrRefuse(invitation));
    if (reason === null) return;
    if (refusal === null) await store.refuseInvitation(eventId, reason);
    await leave(invitation, reason);
    await store.invitationDone(eventId);
    const { matrixRoomId: matrixRoom, sender } = invitation;
    logger.info(
      { event: "bridge.invitation_refused", matrixRoom, sender, reason },
      "refused an invitation to a room of Matrix; who invited is told the reason",
    );
  }

  async function attempt(invitation: OpenInvitation): Promise<void> {
    const { eventId, failures, matrixRoomId: matrixRoom } = invitation;
    try {
      await answer(invitation);
    } catch (error) {
      await store.invitationFailed(eventId, backoffMs(RETRIES, failures));
      if (failures === 0)
        logger.warn(
          { event: "bridge.invitation_failed", err: error, matrixRoom },
          "could not answer an invitation to a room of Matrix; trying again",
        );
    }
  }

  return {
    async run() {
      for (let more = true; more; ) {
        const due = await store.leaseInvitations(BATCH, LEASE_MS);
        more = due.length === BATCH;
        for (const invitation of due) await attempt(invitation);
      }
    },
  };
}
