/** A user is renamed while they and others are connected. */
import { describe, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { person, places, room, site, TRANSPORTS } from "../fixtures.ts";
import type { Frame } from "../raw-client.ts";

describeWith("postgres", "renaming a user", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, raw } = site(postgres.url);
    const isUser = (frame: Frame) => frame.op === "user";

    test.each(places(node, { transport }))(
      "[GW-8.6] %s, their session goes on under the new name",
      async (_, nodes) => {
        const { here, there } = await nodes();
        const ada = await person(here, "Ada");
        const home = await room(here, [ada]);
        const a = await raw(here);
        await a.hello(ada.token);
        await there.useCases.directory.updateUser(ada.id, { displayName: "Ada Lovelace" });
        const user = { id: String(ada.id), uuid: ada.uuid, name: "Ada Lovelace" };
        expect(await a.next(isUser)).toMatchObject({ user });
        await a.ask({ op: "send", ref: 1, room: home.token, id: "after", text: "Hello" });
        const event = await a.next((frame) => frame.op === "event" && frame.id === "after");
        expect(event.actor).toMatchObject({ name: "Ada Lovelace" });
      },
    );

    test("[GW-8.6] who shares a room hears of a new name and a new handle, nobody else, and not of the rest", async () => {
      const here = await node({ transport });
      const [ada, bob, cyd] = [
        await person(here, "Ada"),
        await person(here, "Bob"),
        await person(here, "Cyd"),
      ];
      const home = await room(here, [ada, bob]);
      await room(here, [cyd]);
      const [b, c] = [await raw(here, "msgpack"), await raw(here)];
      await b.hello(bob.token);
      await c.hello(cyd.token);
      const { directory, messages } = here.useCases;
      await directory.updateUser(ada.id, { email: `ada-${ada.id}@example.org` });
      await directory.updateUser(ada.id, { displayName: "Countess" });
      const { id, uuid, publicId } = (await here.store.users.byId(ada.id)) ?? {};
      const named = { id: String(id), uuid, publicId };
      expect(await b.next(isUser)).toEqual({
        op: "user",
        user: { ...named, handle: expect.any(String), name: "Countess" },
      });
      await directory.updateUser(ada.id, { handle: `countess-${ada.id}` });
      expect(await b.next(isUser)).toMatchObject({ user: { handle: `countess-${ada.id}` } });
      await messages.send(ada.actor, home.token, { id: "barrier", text: "Did you hear?" });
      await b.next((frame) => frame.op === "event" && frame.id === "barrier");
      expect(b.pending().filter(isUser)).toEqual([]);
      await c.ask({ op: "ping", ref: "barrier" });
      expect(c.pending().filter(isUser)).toEqual([]);
    });
  });
});
