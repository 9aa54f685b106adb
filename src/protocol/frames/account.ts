/** One's own account: PROTOCOL.md, section 17. */
import { z } from "zod";
import { LIMITS } from "../limits.ts";
import { ref } from "./fields.ts";

const password = z.string();

export const ACCOUNT_OPS = {
  password: z.strictObject({ op: z.literal("password"), ref, old: password.optional(), new: password }),
  sessions: z.strictObject({ op: z.literal("sessions"), ref }),
  "session.end": z
    .strictObject({
      op: z.literal("session.end"),
      ref,
      session: z.string().optional(),
      others: z.literal(true).optional(),
    })
    .refine(({ session, others }) => (session === undefined) !== (others === undefined), {
      path: ["session"],
      message: "or others is required, and not both",
    }),
  "account.delete": z.strictObject({
    op: z.literal("account.delete"),
    ref,
    password: password.optional(),
    erase: z.boolean().default(false),
  }),
  identities: z.strictObject({ op: z.literal("identities"), ref }),
  "identity.link": z.strictObject({
    op: z.literal("identity.link"),
    ref,
    code: z.string().max(LIMITS.LINK_CODE_CHARACTERS),
    verifier: z.string().max(LIMITS.VERIFIER_CHARACTERS),
    password: password.optional(),
  }),
  "identity.unlink": z.strictObject({
    op: z.literal("identity.unlink"),
    ref,
    identity: z.string(),
    password: password.optional(),
  }),
  token: z.strictObject({
    op: z.literal("token"),
    ref,
    token: z.string().min(1).max(LIMITS.TOKEN_CHARACTERS),
  }),
  matrix: z.strictObject({
    op: z.literal("matrix"),
    ref,
    device: z.string().min(1).max(LIMITS.MATRIX_DEVICE_CHARACTERS).optional(),
  }),
};

/** [GW-17.6] A login. */
export interface LoginSession {
  id: string;
  /** What the client called itself. */
  device?: string;
  /** When it was last used, ms. */
  lastSeen: number;
  /** The network address that it was last used from. */
  address?: string;
  /** Whether it is the login of the session that asks. */
  current: boolean;
}

/** [GW-17.12] Who the user is at an identity provider. */
export interface LinkedIdentity {
  id: string;
  issuer: string;
  /** What the provider calls them. */
  name?: string;
  /** ms. */
  linkedAt: number;
}

/** [GW-17.9] A Matrix account: a password for it, or a device that is signed in. */
export type MatrixAnswer = { homeserver: string; matrixId: string } & (
  | { username: string; password: string }
  | { device: string; accessToken: string; refreshToken?: string; expiresInMs?: number }
);

/** What `ok` holds beside `op` and `ref`. */
export interface AccountAnswers {
  password: { duplicate?: true };
  sessions: { sessions: LoginSession[] };
  "session.end": { duplicate?: true };
  "account.delete": { erased: boolean };
  identities: { identities: LinkedIdentity[] };
  "identity.link": { identity: LinkedIdentity; duplicate?: true };
  "identity.unlink": { duplicate?: true };
  token: { user: string };
  matrix: MatrixAnswer;
}
