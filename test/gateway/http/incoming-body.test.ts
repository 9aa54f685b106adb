/** Bodies of requests while they come in. */
import { expect, test } from "vitest";
import { BodyBudget, IncomingBody, tooLarge } from "../../../src/gateway/http/incoming-body.ts";

const MIB = 1024 * 1024;

function incoming(limit: number, { budget = new BodyBudget(), address = "a", passesOn = false } = {}) {
  const flow: boolean[] = [];
  const body = new IncomingBody({ limit, passesOn, address, budget, flow: (go) => flow.push(go) });
  return { body, flow, budget };
}

test("a body is collected whole within its limit, and refused beyond it", () => {
  const { body } = incoming(5);
  expect(body.whole()).toBeNull();
  expect(body.add(Buffer.from("abc"))).toBeNull();
  expect(body.add(Buffer.from("de"))).toBeNull();
  expect(String(body.whole())).toBe("abcde");
  expect(body.add(Buffer.from("f"))).toBe("too large");
});

test("all bodies under way share one bound, those of an address a smaller one; what is given back is free again, once", () => {
  const budget = new BodyBudget();
  const of = (address: string) => incoming(16 * MIB, { budget, address }).body;
  const chunk = new Uint8Array(16 * MIB);
  const ada = Array.from({ length: 5 }, () => of("ada"));
  expect(ada.map((body) => body.add(chunk))).toEqual([null, null, null, null, "busy"]);
  const others = Array.from({ length: 12 }, (_, i) => of(`other ${i}`));
  for (const body of others) expect(body.add(chunk)).toBeNull();
  expect(of("late").add(chunk)).toBe("busy");
  ada[0]?.discard();
  ada[0]?.discard();
  expect(budget.held).toBe(15 * chunk.length);
  expect(of("late").add(chunk)).toBeNull();
  expect(of("later").add(chunk)).toBe("busy");
});

test.each([
  [true, 0],
  [false, 2],
])("a stream lets its peer go on only when somebody reads (passes on: %s)", async (passesOn, held) => {
  const { body, flow, budget } = incoming(10, { passesOn });
  const reader = body.stream().getReader();
  body.add(Buffer.from("ab"));
  expect({ flow: flow.splice(0), held: budget.held }).toEqual({ flow: [false], held: 2 });
  expect(String((await reader.read()).value)).toBe("ab");
  expect({ flow: flow.splice(0), held: budget.held }).toEqual({ flow: [], held });
  const next = reader.read();
  await new Promise((resolve) => setImmediate(resolve));
  expect(flow.splice(0)).toEqual([true]);
  body.add(Buffer.from("cd"));
  expect(String((await next).value)).toBe("cd");
  expect(flow.splice(0)).toEqual([false]);
  body.end();
  expect((await reader.read()).done).toBe(true);
});

test("what comes in one turn is handed over as one, however many pieces it came in", async () => {
  const { body, flow } = incoming(10);
  const reader = body.stream().getReader();
  const next = reader.read();
  await new Promise((resolve) => setImmediate(resolve));
  for (const letter of "abc") body.add(Buffer.from(letter));
  expect(String((await next).value)).toBe("abc");
  expect(flow).toEqual([true, false]);
});

test("whoever reads is told why there is no more, and what is left is nobody's", async () => {
  const { body, flow, budget } = incoming(3);
  const reader = body.stream().getReader();
  body.add(Buffer.from("abc"));
  expect(body.add(Buffer.from("d"))).toBe("too large");
  body.fail(tooLarge(3));
  await expect(reader.read()).rejects.toMatchObject({ code: "too_large", field: "body" });
  expect({ held: budget.held, flow: flow.at(-1) }).toEqual({ held: 0, flow: true });
  expect(body.add(Buffer.from("ef"))).toBeNull();
  expect(budget.held).toBe(0);
});
