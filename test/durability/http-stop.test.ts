/** SIGTERM in a burst of HTTP requests: what was carried out was answered, since a proxy repeats what was not. */
import { expect, test } from "vitest";
import { provision } from "../black-box/provision.ts";
import { serverFleet } from "../black-box/server-process.ts";
import { describeWith } from "../services/need.ts";

const CALLERS = 24;
const ENOUGH = 200;
const LAME_DUCK_MS = 3_000;

interface TalkMessage {
  id: number;
  message: string;
  systemMessage: string;
}

describeWith("postgres", "SIGTERM in a burst of HTTP requests", ({ postgres }) => {
  const fleet = serverFleet();

  test.each(["uws", "ws"])(
    "over %s: what is in the log was answered, and waiting polls are",
    async (TRANSPORT) => {
      const server = await fleet.start({
        DATABASE_URL: postgres.url,
        TRANSPORT,
        LAME_DUCK_MS: TRANSPORT === "uws" ? String(LAME_DUCK_MS) : "0",
      });
      const { people, rooms } = await provision(server.url, [`caller-${TRANSPORT}`], 2);
      const token = people[0]?.token as string;
      const [busy, quiet] = rooms.map((room) => room.token) as [string, string];
      const chat = (base: string, room: string, query = "", init: RequestInit = {}) =>
        fetch(`${base}/ocs/v2.php/apps/spreed/api/v1/chat/${room}${query}`, {
          ...init,
          headers: { Authorization: `Bearer ${token}`, Accept: "application/json", ...init.headers },
        });
      const history = async (base: string, room: string, query: string): Promise<TalkMessage[]> => {
        const answer = await chat(base, room, `?lookIntoFuture=0&limit=200${query}`);
        return answer.status === 304
          ? []
          : ((await answer.json()) as { ocs: { data: TalkMessage[] } }).ocs.data;
      };

      const answered = new Set<string>();
      let onEnough = () => {};
      const enough = new Promise<void>((resolve) => {
        onEnough = resolve;
      });
      /** Sends one message after the other, until one is not taken. */
      async function call(caller: number): Promise<void> {
        for (let n = 0; ; n++) {
          const message = `${caller} ${n}`;
          const headers = { "Content-Type": "application/json" };
          const body = JSON.stringify({ message });
          const answer = await chat(server.url, busy, "", { method: "POST", headers, body }).catch(
            () => null,
          );
          await answer?.arrayBuffer();
          if (answer?.status !== 201) return;
          answered.add(message);
          if (answered.size === ENOUGH) onEnough();
        }
      }

      const [newest] = await history(server.url, quiet, "");
      const poll = chat(
        server.url,
        quiet,
        `?lookIntoFuture=1&timeout=30&lastKnownMessageId=${newest?.id ?? 0}`,
      );
      const calls = Promise.all(Array.from({ length: CALLERS }, (_, caller) => call(caller)));
      await enough;
      const stopped = server.stop("SIGTERM");
      if (TRANSPORT === "uws") {
        while ((await fetch(`${server.url}/readyz`)).status !== 503);
        // It still takes connections, and does as it is told.
        expect([200, 304]).toContain((await chat(server.url, quiet, "?lookIntoFuture=0")).status);
      }
      expect(await stopped).toMatchObject({ code: 0, left: [] });
      await calls;
      expect((await poll).status).toBe(304);

      const again = await fleet.start({ ...server.settings });
      const kept = new Set<string>();
      for (let before = ""; ; ) {
        const page = await history(again.url, busy, before);
        if (page.length === 0) break;
        for (const { message, systemMessage } of page) if (systemMessage === "") kept.add(message);
        before = `&lastKnownMessageId=${page.at(-1)?.id}`;
      }
      expect(kept).toEqual(answered);
      await again.stop();
    },
    120_000,
  );
});
