/** Kinds of values that settings have, each with its rule and the words in which a wrong value is refused. */
import { z } from "zod";
import { clientAddressBehind } from "./app/client-address.ts";
import { parseS3Url } from "./attachments/s3.ts";
import { IN_MEMORY } from "./config-rules.ts";
import { parseRedisUrl } from "./hot/redis/connection/url.ts";

export const onOrOff = z.enum(["on", "off"]);
export const trueOrFalse = z.enum(["true", "false"]);

export const httpUrl = z.url({
  protocol: /^https?$/,
  error: "must be a URL that starts with http:// or https://",
});
export const baseUrl = httpUrl.refine((text) => !/[?#]/.test(text), "must be a base URL, without ? and #");
export const wholeNumber = () =>
  z.coerce
    .number({ error: ({ code }) => (code === "invalid_type" ? "must be a whole number" : undefined) })
    .int();
export const port = wholeNumber().min(0).max(65_535);

/** In bytes; 0 is no bound. */
export const fileBound = wholeNumber()
  .min(0)
  .max(2 ** 50);

export function serverList(rule: RegExp, reason: string) {
  return z
    .string()
    .transform((text) => text.split(",").map((one) => one.trim()))
    .refine((list) => list.every((one) => rule.test(one)), reason);
}

export const proxyList = z
  .string()
  .refine(isProxyList, "must be addresses and subnets, as 10.0.0.0/8,127.0.0.1");

export const s3Url = z
  .url({ protocol: /^https?$/, error: "must be https://ACCESS_KEY:SECRET_KEY@host/bucket?region=…" })
  .superRefine(takenBy(parseS3Url));

export const redisUrl = z.union([z.literal(IN_MEMORY), z.string().superRefine(takenBy(parseRedisUrl))]);

function isProxyList(text: string): boolean {
  try {
    clientAddressBehind(text);
    return true;
  } catch {
    return false;
  }
}

/** A rule that is a parser's: what it throws is the reason. */
function takenBy(parse: (text: string) => unknown) {
  return (text: string, context: z.RefinementCtx) => {
    try {
      parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message.replace(/^[A-Z_]+:? /, "") });
    }
  };
}
