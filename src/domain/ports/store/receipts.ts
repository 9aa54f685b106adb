/** How far the members of a room have its log, and have read it. ./store.ts says what callers may rely on. */
import type { Actor, Audience, MemberKey } from "../../model.ts";

/** More members than these are counted and not listed. */
export const RECEIPT_MEMBERS = 100;

export interface ReceiptStore {
  /**
   * Moves a member's markers of delivery up (never back), those of many rooms in one statement. What was read was
   * delivered.
   * @returns for each place, in order, where the marker stands now; null where the room or the membership is gone,
   *   `"past_head"` where `seq` is greater than the room's head
   */
  markDelivered(
    member: MemberKey,
    places: readonly { roomId: number; seq: number }[],
  ): Promise<(DeliveredState | "past_head" | null)[]>;
  /**
   * How far the members of a room came who were in it, and could see it, when the message at `seq` was sent, without
   * `author`. Who does not tell `viewer` (a user's id; null: no user) counts as if they had not come.
   */
  of(
    roomId: number,
    seq: number,
    who: { author: MemberKey; viewer: number | null },
  ): Promise<ReceiptsOfMessage>;
}

export interface DeliveredState {
  delivered: number;
  read: number;
  moved: boolean;
  /** Whom the member tells. */
  audience: Audience;
  /** The room has more members than {@link RECEIPT_MEMBERS}. */
  big: boolean;
}

export interface ReceiptsOfMessage {
  counts: ReceiptCounts;
  /** By member: everybody who has the message. Null where there are more members than {@link RECEIPT_MEMBERS}. */
  markers: ReceiptMarkers[] | null;
}

export interface ReceiptCounts {
  /** All who could have it. */
  members: number;
  delivered: number;
  read: number;
}

export interface ReceiptMarkers {
  actor: Actor;
  delivered: { seq: number; at: number };
  read: { seq: number; at: number };
}
