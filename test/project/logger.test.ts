import { connect } from "node:net";
import { expect, test } from "vitest";
import { DomainError } from "../../src/domain/errors.ts";
import { shownError } from "../../src/logger.ts";

test("an outage and a refusal are logged without a stack, a defect with one", async () => {
  const outage = await new Promise((resolve) =>
    connect({ host: "127.0.0.1", port: 1 }).once("error", resolve),
  );
  expect(shownError(outage)).toEqual({
    type: "Error",
    message: expect.stringContaining("ECONNREFUSED"),
    code: "ECONNREFUSED",
  });
  expect(shownError(new DomainError("unavailable"))).toEqual({
    type: "DomainError",
    message: "A part of the server can't be reached",
    code: "unavailable",
  });
  expect(shownError(new TypeError("x is no function"))).toMatchObject({
    stack: expect.stringContaining("logger.test.ts"),
  });
});
