/** How fields of requests are read. */
import { expect, test } from "vitest";
import { instant } from "../../src/http/requests/fields.ts";

test("times are RFC 3339, in capital letters or small ones; a leap second is the first of the next minute", () => {
  const at = Date.UTC(2030, 0, 31, 12, 0, 0);
  const read: [string, number][] = [
    ["2030-01-31T12:00:00Z", at],
    ["2030-01-31t12:00:00z", at],
    ["2030-01-31t14:00:00.25+02:00", at + 250],
    ["2030-06-30T23:59:60Z", Date.UTC(2030, 6, 1)],
    ["2030-06-30t23:59:60.5z", Date.UTC(2030, 6, 1) + 500],
    ["2030-07-01T01:59:60+02:00", Date.UTC(2030, 6, 1)],
  ];
  for (const [text, ms] of read) expect(instant().parse(text), text).toBe(ms);
});

test.each([
  "2030-02-30T12:00:00Z",
  "2030-01-31 12:00:00Z",
  "2030-01-31T12:00:61Z",
  "2030-01-31T12:60:00Z",
  "2030-01-31",
  "soon",
  1,
])("%s is no time", (value) => {
  const { error } = instant().safeParse(value);
  expect(error?.issues[0]?.message).toBe("must be an RFC 3339 time such as 2030-01-31T12:00:00Z");
});
