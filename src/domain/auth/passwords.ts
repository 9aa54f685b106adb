/**
 * Password hashes: argon2id with OWASP's first parameters (19 MiB, 2 passes). Few run at a time, because each blocks a
 * thread of the pool that file access and DNS also use. A bounded number waits, attempts from known addresses first.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { hash, verify } from "@node-rs/argon2";
import { LRUCache } from "lru-cache";
import { badField } from "../errors.ts";
import { createLanes, type Lane } from "../lanes.ts";
import { checkWellFormed, codePoints, LIMITS } from "../text-rules.ts";

export interface Passwords {
  /**
   * Checks a new password against the rules and hashes it. `minLength` replaces the setting's.
   * @throws DomainError `bad_request` on `password`; `busy`
   */
  hash(password: string, minLength?: number): Promise<string>;
  /**
   * Whether the password belongs to `passwordHash`. Without a hash (no such user, or no password) the answer is no, after
   * the same time. @throws DomainError `busy` when too many wait
   */
  verify(passwordHash: string | null, password: string, lane: Lane): Promise<boolean>;
  /** Whether {@link verify} accepted this hash and password a short time ago. Costs no argon2. */
  knows(passwordHash: string | null, password: string): boolean;
}

export interface PasswordOptions {
  /** Minimum length of a new password, in characters. */
  minLength: number;
  /** Whether attempts from unknown addresses have a rate limit. */
  paced: boolean;
}

const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const PARALLEL = 2;
const MAX_WAITING = 512;
/** Less than one processor can check. */
const STRANGERS = { burst: 200, perSecond: 30 };
const REMEMBERED = 10_000;
const REMEMBER_MS = 60_000;

export function createPasswords(options: PasswordOptions): Passwords {
  const pace = options.paced ? STRANGERS : null;
  const inLane = createLanes({ parallel: PARALLEL, maxWaiting: MAX_WAITING, pace });
  const remembered = new LRUCache<string, Buffer>({ max: REMEMBERED, ttl: REMEMBER_MS });
  /** A key of this process, for the cache of accepted passwords: outside of the process its entries are useless. */
  const key = randomBytes(32);
  let dummy: Promise<string> | undefined;

  const digest = (passwordHash: string, password: string) =>
    createHmac("sha256", key).update(passwordHash).update("\0").update(password).digest();

  return {
    async hash(password, minLength = options.minLength) {
      checkPassword(password, minLength);
      return await inLane("known", () => hash(password, ARGON2));
    },
    async verify(passwordHash, password, lane) {
      if (password.length > LIMITS.passwordCharacters) return false;
      dummy ??= hash(randomBytes(16).toString("hex"), ARGON2);
      const nobodys = await dummy;
      const right = await inLane(lane, () => verify(passwordHash ?? nobodys, password));
      if (!right || passwordHash === null) return false;
      remembered.set(passwordHash, digest(passwordHash, password));
      return true;
    },
    knows(passwordHash, password) {
      const known = passwordHash === null ? undefined : remembered.get(passwordHash);
      if (passwordHash === null || known === undefined) return false;
      return timingSafeEqual(known, digest(passwordHash, password));
    },
  };
}

function checkPassword(password: string, minLength: number): void {
  if (codePoints(password) < minLength) {
    throw badField("password", `must have at least ${minLength} character${minLength === 1 ? "" : "s"}`);
  }
  if (password.length > LIMITS.passwordCharacters) {
    throw badField("password", "must have at most 1,000 characters");
  }
  checkWellFormed("password", password);
}
