/** Tells the chat how a poll of Matrix ended. The votes stay in Matrix until then, where clients count them. */
import type { GhostAccounts } from "../../homeserver/ghost-accounts.ts";
import { isAbsent } from "../../homeserver/refusals.ts";
import type { Ghosts } from "../../mapping/ghosts.ts";
import { type MatrixEvent, readEvent, relationOf } from "../../mapping/matrix-events.ts";
import { choicesOf, type PollAnswer, pollOf, resultLine } from "../../mapping/polls.ts";
import type { ChatMessage } from "../../mapping/translate.ts";
import type { EventLookup } from "../../rooms/event-lookup.ts";
import type { OpenRoom } from "../../rooms/rooms.ts";

export interface InboundPolls {
  /**
   * The line that tells how the poll ended that an event ends; null for other events, and unless the poll's author ended it.
   * @throws HomeserverError in an outage
   */
  result(room: OpenRoom, event: MatrixEvent): Promise<ChatMessage | null>;
}

interface Page {
  chunk: unknown[];
  next_batch?: string;
}

/** Of answers. Those beyond are not counted: a room of ten thousand has few who change their mind. */
const MAX_PAGES = 20;
const PAGE = 500;

export function createInboundPolls(
  accounts: Pick<GhostAccounts, "request">,
  ghosts: Ghosts,
  events: Pick<EventLookup, "get">,
): InboundPolls {
  async function ask<T>(path: string, query: Record<string, string | number> = {}): Promise<T | null> {
    try {
      return await accounts.request<T>(ghosts.bot, "GET", path, { query });
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }

  async function answersTo({ matrixRoomId }: OpenRoom, pollId: string): Promise<PollAnswer[]> {
    const [room, poll] = [matrixRoomId, pollId].map(encodeURIComponent);
    const path = `/_matrix/client/v1/rooms/${room}/relations/${poll}/m.reference`;
    const answers: PollAnswer[] = [];
    let from: string | undefined;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const page = await ask<Page>(path, { limit: PAGE, ...(from !== undefined && { from }) });
      for (const value of page?.chunk ?? []) {
        const { sender, origin_server_ts: at, content } = value as MatrixEvent;
        const choices = choicesOf({ content });
        if (choices !== null && typeof sender === "string") answers.push({ sender, at, choices });
      }
      from = page?.next_batch;
      if (from === undefined) break;
    }
    return answers;
  }

  return {
    async result(room, event) {
      const { answers: ends } = relationOf(event.content);
      if (!/poll\.end$/.test(event.type) || ends === null) return null;
      const started = readEvent(await events.get(room, ends));
      const poll = started && pollOf(started.content);
      if (!poll || started.sender !== event.sender) return null;
      const text = resultLine(poll, await answersTo(room, ends), event.origin_server_ts);
      return { text, pills: [] };
    },
  };
}
