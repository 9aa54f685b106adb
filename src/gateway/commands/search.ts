/** Searching messages [GW-14]. */
import type { Search } from "../../domain/use-cases/search.ts";
import { eventFrame } from "../frames/encoded-event.ts";
import type { FileUrls } from "../frames/file-urls.ts";
import type { Handlers } from "./handlers.ts";

export type SearchCommands = Handlers<"search">;

export function createSearchCommands(search: Search, urls: FileUrls): SearchCommands {
  return {
    async search({ identity }, { op, ref, ...input }) {
      const { hits, cursor, behind } = await search.messages(identity.actor, input);
      return {
        hits: hits.map(({ event, highlights }) => ({ event: eventFrame(event, urls), highlights })),
        ...(cursor !== null && { cursor }),
        ...(behind !== null && { behind }),
      };
    },
  };
}
