/** Each operation that the four HTTP APIs have for users has its way on the socket, or a reason why it has none. */
import { expect, test } from "vitest";
import { createFaces } from "../../src/http/app.ts";
import { CLIENT_SCHEMAS } from "../../src/protocol/frames.ts";
import { SERVER_SCHEMAS } from "../../src/protocol/schemas/server.ts";
import { fakeOptions, UNLIMITED } from "../http/fake-parts.ts";
import { DOORS } from "./recorder.ts";
import { NOT_ON_THE_SOCKET, PARTS_WITHOUT_A_WAY, WAYS } from "./ways.ts";

const APIS = createFaces(fakeOptions(), UNLIMITED).filter(({ name }) => name !== "admin");

test("there are four APIs", () => {
  expect(APIS.map(({ name }) => name).sort()).toEqual(Object.keys(WAYS).sort());
});

test.each(APIS)("each operation of $name has a row, and each row an operation", ({ name, document }) => {
  const operations = Object.entries(document().paths ?? {}).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(Object.keys(WAYS[name] ?? {}).sort()).toEqual(operations.sort());
});

test("the steps of a way exist: ops, frames of the server, and requests that the recorder lets through", () => {
  const steps = new Set(Object.values(WAYS).flatMap((ways) => Object.values(ways).flatMap(stepsOf)));
  const known = new Set<string>([
    ...Object.keys(CLIENT_SCHEMAS),
    ...Object.keys(SERVER_SCHEMAS).map((op) => `← ${op}`),
    ...DOORS.map(({ name }) => name),
  ]);
  expect([...steps].filter((step) => !known.has(step))).toEqual([]);
});

test("each reason is somebody's, and each half without a way belongs to an operation", () => {
  const ways = Object.values(WAYS).flatMap((each) => Object.values(each));
  const given = new Set([
    ...ways.filter((way) => typeof way === "string"),
    ...Object.values(PARTS_WITHOUT_A_WAY),
  ]);
  expect([...given].sort()).toEqual(Object.keys(NOT_ON_THE_SOCKET).sort());
  const operations = Object.values(WAYS).flatMap((each) => Object.keys(each));
  expect(operations).toEqual(expect.arrayContaining(Object.keys(PARTS_WITHOUT_A_WAY)));
});

function stepsOf(way: readonly string[] | string): readonly string[] {
  return typeof way === "string" ? [] : way;
}
