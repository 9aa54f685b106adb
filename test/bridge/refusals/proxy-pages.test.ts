/** For a while something else answers than the homeserver, or it does not take us for what we are: nothing is lost for that. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createHomeserver } from "../../../bridge/homeserver/homeserver.ts";
import { createBridgeStore } from "../../../bridge/store/bridge-store.ts";
import { type Room, type User, userActor } from "../../../src/domain/model.ts";
import type { MatrixUser } from "../matrix-user.ts";
import { type ProxyInFront, startProxy } from "../proxy.ts";
import { describeBridge, until } from "../world.ts";

const page = (status: number) => ({ status });
const says = (status: number, errcode: string, error = "no") => ({
  ...{ status, type: "application/json", body: JSON.stringify({ errcode, error }) },
});

const PAGES = [404, 403, 401, 400, 413].map(page);
/** Words of Matrix that are not about an event. The last is in no list: it holds its room up, and is logged. */
const CODES = [
  says(400, "M_EXCLUSIVE"),
  says(404, "M_UNRECOGNIZED"),
  says(403, "M_FORBIDDEN", "Application service cannot masquerade as this user (@x:y)."),
  says(400, "ORG.EXAMPLE.M_SOMETHING"),
];

/** Each kind of write, by its path. */
const KINDS: Record<string, RegExp> = {
  ...{ message: /\/send\/m\.room\.message\//, reaction: /\/send\/m\.reaction\//, redaction: /\/redact\// },
  ...{ removal: /\/kick$/, invitation: /\/invite$/, name: /\/state\/m\.room\.name\// },
  ...{ file: /\/media\/v3\/upload/, room: /\/createRoom$/, emptying: /\/members$/ },
  ...{ profile: /\/profile\/.*\/displayname$/, account: /\/account\/deactivate$/ },
};

describeBridge(
  "pages in the homeserver's stead, for each kind of write",
  (world) => {
    let proxy: ProxyInFront;
    beforeAll(async () => {
      proxy = await startProxy(world.homeserver.baseUrl);
      const { registration } = world;
      const { serverName } = world.homeserver;
      await world.bridge.stop();
      await world.startBridge({
        homeserver: createHomeserver({
          baseUrl: proxy.url,
          registration,
          serverName,
          logger: { debug() {} },
        }),
      });
    });
    afterAll(() => proxy.close());

    interface Scene {
      people: Record<"ada" | "ben" | "cem" | "dora", User>;
      room: Room;
      doomed: Room;
      matrixRoom: string;
      doomedMatrixRoom: string;
      seqs: Record<"edited" | "deleted" | "liked" | "disliked", number>;
      ben: MatrixUser;
      dora: MatrixUser;
    }

    async function scene(): Promise<Scene> {
      const [ada, ben, cem, dora] = [
        await world.user("Ada"),
        await world.user("Ben"),
        await world.user("Cem"),
        await world.user("Dora"),
      ];
      const room = await world.group([ada, ben, dora], { name: "Before" });
      const doomed = await world.group([ada, ben]);
      const seqs = {
        edited: await world.say(ada, room, "first"),
        deleted: await world.say(ada, room, "secret"),
        liked: await world.say(ada, room, "like me"),
        disliked: await world.say(ada, room, "dislike me"),
      };
      await world.useCases.reactions.add(userActor(ada), room.token, seqs.disliked, "👎");
      const [matrixRoom, doomedMatrixRoom] = [await world.mirrored(room), await world.mirrored(doomed)];
      const clients = { ben: await world.signIn(ben), dora: await world.signIn(dora) };
      for (const id of [matrixRoom, doomedMatrixRoom]) await clients.ben.join(id);
      return {
        people: { ada, ben, cem, dora },
        room,
        doomed,
        matrixRoom,
        doomedMatrixRoom,
        seqs,
        ...clients,
      };
    }

    /** One of each kind of write. @returns the room that was made */
    async function writeEverything({ people, room, doomed, seqs }: Scene): Promise<Room> {
      const { messages, reactions, roomLifecycle, directory } = world.useCases;
      const ada = userActor(people.ada);
      await world.say(people.ada, room, "said meanwhile");
      await messages.edit(ada, room.token, seqs.edited, { text: "edited meanwhile" });
      await messages.remove(ada, room.token, seqs.deleted);
      await reactions.add(ada, room.token, seqs.liked, "👍");
      await reactions.remove(ada, room.token, seqs.disliked, "👎");
      await roomLifecycle.removeMember(ada, room.token, userActor(people.ben));
      await roomLifecycle.addMembers(ada, room.token, [{ member: userActor(people.cem), role: "user" }]);
      await roomLifecycle.rename(ada, room.token, "Renamed meanwhile");
      await world.sayFiles(people.ada, room, "", { "meanwhile.txt": "bytes" });
      await roomLifecycle.delete(ada, doomed.token);
      await directory.updateUser(people.ada.id, { displayName: "Ada L." });
      await directory.deleteUser(people.dora.id);
      const made = await world.group([people.ada], { name: "Made meanwhile" });
      await world.say(people.ada, made, "hello");
      return made;
    }

    async function retryNow(): Promise<void> {
      await world.store.sql`update bridge_rooms set retry_at = 0`;
      await world.store.sql`update bridge_account_tasks set retry_at = 0`;
    }

    /** What a client sees of the room: texts with their last edit, reactions, and redactions. */
    async function seen(matrixRoom: string) {
      const events = await world.bot.timeline(matrixRoom);
      const living = events.filter(({ unsigned }) => !unsigned?.redacted_because);
      const bodies = living.flatMap(({ type, content }) => {
        if (type !== "m.room.message") return [];
        const edit = content["m.new_content"] as { body?: unknown } | undefined;
        return [edit ? `edit: ${edit.body}` : content.body];
      });
      const keys = living.flatMap(({ type, content }) => {
        const relation = content["m.relates_to"] as { key?: string } | undefined;
        return type === "m.reaction" ? [relation?.key] : [];
      });
      return { bodies, keys };
    }

    async function expectEverything(
      { people, room, matrixRoom, doomedMatrixRoom, ...clients }: Scene,
      made: Room,
    ) {
      const { ofUser } = world.ghosts;
      const membership = async (user: User) =>
        (await world.bot.state<{ membership: string }>(matrixRoom, "m.room.member", ofUser(user.id)))
          ?.membership;
      await world.mirrored(room);
      expect(await seen(matrixRoom)).toEqual({
        bodies: [
          "first",
          "like me",
          "dislike me",
          "said meanwhile",
          "edit: edited meanwhile",
          "meanwhile.txt",
        ],
        keys: ["👍"],
      });
      expect(await world.bot.state(matrixRoom, "m.room.name")).toEqual({ name: "Renamed meanwhile" });
      expect([await membership(people.ben), await membership(people.cem)]).toEqual(["leave", "invite"]);
      const bodies = (await world.bot.texts(await world.mirrored(made))).map((text) =>
        text.replace(/^.*?: /, ""),
      );
      expect(bodies).toEqual(["hello"]);
      await until(
        "Ben is out of the deleted room",
        async () => (await clients.ben.rooms()).joined.length === 0,
      );
      await until("the bot has left it", async () => {
        return !(await world.bot.rooms()).joined.includes(doomedMatrixRoom);
      });
      await until("Ada has her new name", async () => {
        const path = `profile/${encodeURIComponent(ofUser(people.ada.id))}/displayname`;
        return (await world.bot.ask<{ displayname: string }>("GET", path)).displayname === "Ada L.";
      });
      await until("Dora's account is over", () =>
        clients.dora.ask("GET", "account/whoami").then(
          () => false,
          (error: Error) => error.message.includes("401"),
        ),
      );
    }

    afterEach(() => {
      proxy.instead = () => null;
    });

    async function expectAfterOutage(before: Scene, made: Room): Promise<void> {
      await expectEverything(before, made);
      expect(await createBridgeStore(world.store.sql).list({ after: 0, limit: 10 })).toEqual([]);
      await until("all is well", async () => (await world.bridge.health()).ok);
    }

    test.each([
      ["pages of a proxy", PAGES],
      ["words of Matrix about the bridge", CODES],
    ])(
      "%s, each of them to each request once: everything is in Matrix at last, and nothing is a dead letter",
      async (_, answers) => {
        const before = await scene();
        const asked = new Map<string, number>();
        proxy.instead = (url) => {
          const [path = ""] = url.split("?");
          const nth = asked.get(path) ?? 0;
          if (!Object.values(KINDS).some((kind) => kind.test(path)) || nth >= answers.length) return null;
          asked.set(path, nth + 1);
          return answers[nth] ?? null;
        };
        const made = await writeEverything(before);
        const isAnswered = (kind: RegExp) =>
          [...asked].some(([path, times]) => kind.test(path) && times === answers.length);
        let told = false;
        await until(
          "each kind of write was answered with each of them",
          async () => {
            await retryNow();
            told ||= !(await world.bridge.health()).ok;
            return Object.values(KINDS).every(isAnswered);
          },
          90_000,
        );
        expect(told).toBe(true);
        proxy.instead = () => null;
        await retryNow();
        await expectAfterOutage(before, made);
      },
      150_000,
    );

    test.each([
      ["404", page(404)],
      ["502", page(502)],
      ["M_UNKNOWN_TOKEN", says(401, "M_UNKNOWN_TOKEN")],
    ])(
      "%s to everything: it is away, and everything is in Matrix once it is back",
      async (_, answer) => {
        const before = await scene();
        const { refused } = proxy;
        proxy.instead = () => answer;
        const made = await writeEverything(before);
        await until("the bridge has noticed", async () => {
          await retryNow();
          return proxy.refused > refused && !(await world.bridge.health()).ok;
        });
        proxy.instead = () => null;
        await until("it is connected again", async () => world.bridge.stats().connected);
        await retryNow();
        await expectAfterOutage(before, made);
      },
      90_000,
    );
  },
  { scanMs: 200, reconcileMs: 1_000 },
);
