/** A chat with somebody in Matrix, who is no user, on the other faces. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSite, type Person, type Site } from "../http-talk/site.ts";
import { describeWith } from "../services/need.ts";

describeWith("postgres", "a chat with somebody in Matrix", ({ postgres }) => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(postgres.url);
  });
  afterAll(() => site.close());

  async function list({ token }: Person, path: string) {
    const answer = await fetch(`${site.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    return { status: answer.status, text: await answer.text() };
  }

  test.each([true, false])("is listed under their name by every API (request: %s)", async (isRequest) => {
    const ada = await site.person("Ada");
    const { matrixRequests, joining } = site.useCases;
    const actor = { kind: "user" as const, id: String(ada.user.id), name: "Ada" };
    const mel = { kind: "matrix" as const, id: `@mel-${isRequest}:elsewhere.test`, name: "Mel of Matrix" };
    const room = await matrixRequests.ask(mel, ada.user.id);
    if (!isRequest) await joining.enter(actor, room.token);
    const talk = await ada.get("/room");
    expect(talk.data).toMatchObject([{ token: room.token, displayName: "Mel of Matrix" }]);
    for (const [path, id] of [
      ["/v1/conversations", room.publicId],
      ["/conversations", room.uuid],
    ] as const)
      expect(await list(ada, path), path).toMatchObject({ status: 200, text: expect.stringContaining(id) });
  });
});
