/** Uploads that something else answers than the homeserver. */
import { expect, test } from "vitest";
import { HomeserverError } from "../../../bridge/homeserver/homeserver-error.ts";
import { createMedia } from "../../../bridge/homeserver/media.ts";
import { createGhosts } from "../../../bridge/mapping/ghosts.ts";

test.each([
  ["a page", "<html><h1>Please wait</h1></html>"],
  ["JSON of something else", '{"ok":true}'],
  ["no object", "null"],
  ["the beginning of an answer", '{"content_uri":"mxc://'],
])("%s with status 200 is an outage", async (_what, body) => {
  const homeserver = { stream: async () => new Response(body) };
  const media = createMedia(
    homeserver as never,
    createGhosts({ prefix: "cw_", serverName: "hs.test", senderLocalpart: "cw_sender" }),
    {} as never,
  );
  const file = { filename: "a.txt", type: "text/plain", text: "a" };
  const error = await media.uploadText("@cw_1:hs.test", file).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(HomeserverError);
  expect(error).toMatchObject({ outage: true, status: 200 });
});
