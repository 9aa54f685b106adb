/** Everything that a store promises to the domain, run on every database that it can stand on. */
import { afterAll, beforeAll, describe } from "vitest";
import type { PostgresStore } from "../../../src/store/postgres.ts";
import { accountContract } from "./accounts.ts";
import { hiddenContract } from "./hidden.ts";
import { identityContract } from "./identities.ts";
import { journalContract } from "./journal.ts";
import { logContract } from "./log.ts";
import { memberRoomContract } from "./members.ts";
import { peopleSearchContract } from "./people-search.ts";
import { roomContract } from "./rooms.ts";
import { searchContract } from "./search.ts";
import { sessionRoomsContract } from "./session-rooms.ts";
import { sharedFileContract } from "./shared-files.ts";
import { takenBackContract } from "./taken-back.ts";

export interface OpenedStore {
  store: PostgresStore;
  close(): Promise<void>;
}

export function storeContract(name: string, open: () => Promise<OpenedStore>): void {
  describe(`the store on ${name}`, () => {
    let opened: OpenedStore;
    beforeAll(async () => {
      opened = await open();
    }, 180_000);
    afterAll(() => opened?.close());

    const store = () => opened.store;
    logContract(store);
    describe("the journal", () => journalContract(store));
    roomContract(store);
    takenBackContract(store);
    describe("messages that a member hid", () => hiddenContract(store));
    describe("shared files", () => sharedFileContract(store));
    searchContract(store);
    describe("rooms of a crowd", () => sessionRoomsContract(store));
    memberRoomContract(store);
    accountContract(store);
    peopleSearchContract(store);
    identityContract(store);
  });
}
