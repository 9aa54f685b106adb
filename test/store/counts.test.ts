import { expect, test } from "vitest";
import { openStore } from "../../src/store/postgres.ts";
import { describeWith } from "../services/need.ts";

describeWith("postgres", "counts for operators", ({ postgres }) => {
  test("are exact for few rooms, and the database's estimates above 10,000", async () => {
    const store = await openStore({ databaseUrl: postgres.url, maxConnections: 2 });
    const make = (from: number, to: number) => store.sql`
      insert into room_heads (conversation_id, token, last_activity, message_count)
      select g, 't' || g, 0, 2 from generate_series(${from}::int, ${to}::int) g`;
    await make(1, 50);
    expect(await store.counts()).toMatchObject({ rooms: 50, messages: 100 });
    await make(51, 12_000);
    await store.sql`analyze room_heads, events`;
    // Nobody wrote an event: the estimate is of the log itself, not of what the rooms say.
    expect(await store.counts()).toMatchObject({ rooms: 12_000, messages: 0 });
    await store.close();
  });
});
