import { expect, test } from "vitest";
import { BUSY, TOO_LARGE } from "../../src/gateway/http-exchange.ts";
import { BodyBudget, IncomingBody } from "../../src/gateway/incoming-body.ts";

const MIB = 1024 * 1024;

test("a body is kept whole within its limit, and refused beyond it", () => {
  const body = new IncomingBody(5, new BodyBudget());
  expect(body.whole()).toBeNull();
  expect(body.add(Buffer.from("abc"))).toBeNull();
  expect(body.add(Buffer.from("def"))).toBe(TOO_LARGE);
  expect(body.add(Buffer.from("de"))).toBeNull();
  expect(String(body.whole())).toBe("abcde");
});

test("all bodies under way share one bound, and what is released is free again, once", () => {
  const budget = new BodyBudget();
  const bodies = Array.from({ length: 11 }, () => new IncomingBody(25 * MIB, budget));
  const chunk = new Uint8Array(25 * MIB);
  expect(bodies.map((body) => body.add(chunk))).toEqual([...Array(10).fill(null), BUSY]);
  bodies[0]?.release();
  bodies[0]?.release();
  expect(bodies[10]?.add(chunk)).toBeNull();
  expect(bodies[0]?.add(chunk)).toBe(BUSY);
});
