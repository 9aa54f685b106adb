/** The OpenAPI documents and what is served are the same, for all five APIs. */
import { describe, expect, test } from "vitest";
import { STATUS } from "../../src/http/answers/failures.ts";
import { createFaces } from "../../src/http/app.ts";
import { fakeOptions, UNLIMITED } from "./fake-parts.ts";

const FACES = createFaces(fakeOptions(), UNLIMITED);

test("there are five APIs", () => {
  expect(FACES.map(({ name }) => name).sort()).toEqual(["admin", "messenger", "protocol", "talk", "wire"]);
});

describe.each(FACES)("the document of $name", (face) => {
  const { paths } = face.document();
  const operations = Object.entries(paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, { summary?: string; responses: Record<string, object> }>).map(
      ([method, operation]) => ({ route: `${method.toUpperCase()} ${path}`, operation }),
    ),
  );

  test("has every route that is served, and nothing else", () => {
    expect(operations.length).toBeGreaterThan(10);
    expect(operations.map(({ route }) => route).sort()).toEqual(face.routes().sort());
  });

  test("has only paths that requests reach this API by", () => {
    // Talk's begin with a prefix; Messenger's are served without theirs, too.
    const prefix = face.name === "talk" ? face.document().servers?.[0]?.url : "";
    expect(Object.keys(paths ?? {}).filter((path) => !face.owns(`${prefix}${path}`))).toEqual([]);
  });

  test("says of every operation what it is for, what it answers, and how it can fail", () => {
    for (const { route, operation } of operations) {
      expect(operation.summary, route).toMatch(/\w/);
      const statuses = Object.keys(operation.responses).map(Number);
      expect(statuses.some((status) => status < 400) || route === "GET /await", route).toBe(true);
      expect(statuses, route).toEqual(expect.arrayContaining([STATUS.rate_limited, STATUS.internal]));
    }
  });
});
