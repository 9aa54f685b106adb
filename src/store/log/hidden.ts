/** Messages that members hide for themselves. See schema/functions/messages/causeway_hide.sql. */
import type { MessagePlace } from "../../domain/ids.ts";
import type { MemberKey } from "../../domain/model.ts";
import {
  HIDDEN_IN_ALL,
  HIDDEN_IN_ROOM,
  type HideResult,
  type MessageStore,
} from "../../domain/ports/store/messages.ts";
import type { Database } from "../sql/database.ts";
import { placeList } from "./message-rows.ts";

export type HiddenMessages = Pick<MessageStore, "hide" | "hiddenOf" | "hiders">;

export function createHiddenMessages({ sql, read }: Database): HiddenMessages {
  return {
    async hide(member, { roomId, seq }) {
      const [row] = await sql<[HideResult]>`
        select status, no from causeway_hide(${roomId}, ${member}, ${seq}, ${HIDDEN_IN_ROOM}, ${HIDDEN_IN_ALL})`;
      return row;
    },
    async hiddenOf(member, places) {
      if (places.length === 0) return [];
      return await read(sql<MessagePlace[]>`
        select x.conversation_id as "roomId", x.seq from ${placeList(sql, places)} as k (room, seq)
        join hidden_messages x on x.conversation_id = k.room and x.seq = k.seq and x.member = ${member}`);
    },
    async hiders(places) {
      return await read(sql<(MessagePlace & { member: MemberKey })[]>`
        select x.conversation_id as "roomId", x.seq, x.member from ${placeList(sql, places)} as k (room, seq)
        join hidden_messages x on x.conversation_id = k.room and x.seq = k.seq`);
    },
  };
}
