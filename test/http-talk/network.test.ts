/** The Talk API over the network, on both transports: what a fetch handler alone does not show. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../services/need.ts";
import { API, makeRoom, openSite, type Person, type Site } from "./site.ts";

for (const transport of ["uws", "ws"] as const) {
  describeWith("postgres", `Talk over ${transport}`, ({ postgres }) => {
    let site: Site;
    let ada: Person;
    beforeAll(async () => {
      site = await openSite(postgres.url, transport);
      ada = await site.person("Ada");
    });
    afterAll(() => site?.close());

    const send = (
      method: string,
      path: string,
      headers: Record<string, string>,
      form?: Record<string, string>,
    ) =>
      fetch(`${site.url}/ocs/v2.php${API}${path}`, {
        method,
        headers: { "OCS-APIRequest": "true", Accept: "application/json", ...headers },
        ...(form && { body: new URLSearchParams(form) }),
      });

    test("[B.8.4] DELETE carries a form, and a refusal the envelope", async () => {
      const ben = await site.person("Ben");
      const token = await makeRoom(ada, { people: [ben] });
      const participant = { participant: ben.id };
      const by = (person: Person) => ({ Authorization: person.headers.Authorization as string });
      const refused = await send("DELETE", `/room/${token}/participants`, by(ben), participant);
      expect(refused.status).toBe(403);
      expect(await refused.json()).toMatchObject({ ocs: { meta: { statuscode: 403 }, data: [] } });
      expect((await send("DELETE", `/room/${token}/participants`, by(ada), participant)).status).toBe(200);
      expect((await send("GET", `/room/${token}`, by(ben))).status).toBe(404);
    });

    test("[B.8.4] a guest's cookie comes back over plain HTTP", async () => {
      const token = await makeRoom(ada, { type: 3 });
      const joined = await send("POST", `/room/${token}/participants/active`, {});
      const cookie = (joined.headers.getSetCookie()[0] as string).split(";")[0] as string;
      expect(joined.headers.getSetCookie()[0]).not.toContain("Secure");
      const sent = await send("POST", `/chat/${token}`, { Cookie: cookie }, { message: "hello 🙂" });
      expect(sent.status).toBe(201);
      expect(await sent.json()).toMatchObject({
        ocs: { data: { actorType: "guests", message: "hello 🙂" } },
      });
      expect((await send("POST", `/chat/${token}`, {}, { message: "who?" })).status).toBe(404);
    });

    test("[B.1] 304 has no body", async () => {
      const token = await makeRoom(ada);
      const { data } = await ada.post(`/chat/${token}`, { message: "the last one" });
      const path = `/chat/${token}?lookIntoFuture=1&timeout=0&lastKnownMessageId=${data.id}`;
      const answer = await send("GET", path, { Authorization: `Bearer ${ada.token}` });
      expect(answer.status).toBe(304);
      expect(await answer.text()).toBe("");
    });
  });
}
