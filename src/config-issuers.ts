/** The value of AUTH_ISSUERS: a JSON list of the issuers whose JWTs sign people in. */
import { createPublicKey } from "node:crypto";
import { z } from "zod";
import type { JwtIssuer } from "./domain/context/issuers.ts";

const MAX_ISSUERS = 100;
/** HMAC with SHA-256 needs a key as long as its output (RFC 7518, section 3.2). */
const MIN_SECRET_BYTES = 32;
const MAX_CLAIM_LENGTH = 200;

const claim = z.string().min(1).max(MAX_CLAIM_LENGTH);

/** An object of the list. What it does not know is refused, so that a misspelt restriction does not go unnoticed. */
const issuerRule = z
  .strictObject({
    issuer: z.string().min(1),
    audience: z.string().min(1),
    jwksUrl: z
      .url({ protocol: /^https?$/, error: "must be a URL that starts with http:// or https://" })
      .optional(),
    publicKey: z.string().refine(isPublicKey, "must be a public key in PEM (BEGIN PUBLIC KEY)").optional(),
    secret: z
      .string()
      .refine(
        (text) => Buffer.byteLength(text) >= MIN_SECRET_BYTES,
        `must have at least ${MIN_SECRET_BYTES} bytes`,
      )
      .optional(),
    organizations: z.array(z.int().min(1)).min(1).max(100).optional(),
    handlePrefix: z
      .string()
      .regex(/^[A-Za-z0-9_.@-]{1,32}$/, "must be 1 to 32 of the characters A–Z a–z 0–9 _ . @ -")
      .optional(),
    handleClaim: claim.default("sub"),
    nameClaim: claim.default("name"),
    administrators: z.boolean().default(false),
  })
  .refine(
    ({ jwksUrl, publicKey, secret }) =>
      [jwksUrl, publicKey, secret].filter((key) => key !== undefined).length === 1,
    "needs one of jwksUrl, publicKey and secret",
  );

const listRule = z
  .array(issuerRule)
  .min(1)
  .max(MAX_ISSUERS)
  .refine(
    (list) => new Set(list.map(({ issuer }) => issuer)).size === list.length,
    "has two entries for one issuer",
  );

/** A setting's text, read as a list of issuers. The refusal names the entry and the field, and never a value. */
export const issuerList = z.string().transform((text, context): JwtIssuer[] => {
  const parsed = listRule.safeParse(jsonOf(text));
  for (const { path, message } of parsed.error?.issues ?? [])
    context.addIssue({ code: "custom", message: [path.map(String).join("."), message].join(" ").trim() });
  return (parsed.data ?? []).map(issuerOf);
});

function issuerOf({ jwksUrl, publicKey, secret, ...given }: z.infer<typeof issuerRule>): JwtIssuer {
  const { issuer, audience, organizations, handlePrefix, handleClaim, nameClaim, administrators } = given;
  return {
    ...{ issuer, audience, administrators, claims: { handle: handleClaim, name: nameClaim } },
    keys:
      jwksUrl !== undefined
        ? { jwksUrl }
        : publicKey !== undefined
          ? { publicKey }
          : { secret: secret ?? "" },
    ...(organizations && { organizations }),
    ...(handlePrefix !== undefined && { handlePrefix }),
  };
}

/** Null, which no list is, when the text is no JSON: the parser's own message would quote the text. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isPublicKey(text: string): boolean {
  if (!text.includes("BEGIN PUBLIC KEY")) return false;
  try {
    createPublicKey(text);
    return true;
  } catch {
    return false;
  }
}
