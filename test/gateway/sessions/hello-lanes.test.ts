/** What is slow about one kind of credential delays nobody who has another. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { person, site } from "../fixtures.ts";

const JUNK = `${Buffer.from('{"alg":"ES256","kid":"none"}').toString("base64url")}.e30.AAAA`;

/** An issuer that never answers, and how often it was given up. */
async function hangingIssuer() {
  let givenUp = 0;
  const issuer = createServer((request) => {
    request.socket.once("close", () => givenUp++);
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    issuer.closeAllConnections();
    issuer.close();
  });
  const jwksUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/`;
  return { jwksUrl, givenUp: () => givenUp };
}

describeWith("postgres", "while the issuer of JWTs hangs", ({ postgres }) => {
  const { node, raw } = site(postgres.url);

  test("a hello with a personal token is answered before its keys are given up", async () => {
    const { jwksUrl, givenUp } = await hangingIssuer();
    const started = await node({ jwksUrl });
    const { token } = await person(started, "Ann");
    const crowd = await Promise.all(Array.from({ length: 100 }, () => raw(started)));
    for (const client of crowd) client.say({ op: "hello", ref: 1, token: JUNK });
    // The last of them was read when this is answered.
    await crowd.at(-1)?.next();
    expect(await (await raw(started)).hello(token)).toMatchObject({ op: "ready" });
    expect(givenUp()).toBe(0);
    const waiting = crowd.filter((client) => client.pending().length === 0);
    expect(waiting.length).toBeGreaterThan(0);
  });
});
