/** A domain on a real PostgreSQL with hot state in memory, and short ways to fill it. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect } from "vitest";
import { DomainError, type ErrorCode } from "../../src/domain/errors.ts";
import {
  type Actor,
  type Credential,
  type LoggedEvent,
  type OrganizationRole,
  type Principal,
  type Role,
  type Room,
  SYSTEM_ACTOR,
  type User,
  userActor,
} from "../../src/domain/model.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import { createMemoryHot } from "../../src/hot/memory/memory.ts";
import type { PostgresStore } from "../../src/store/postgres.ts";
import { describeWith } from "../services/need.ts";
import { type TestApp, testApp } from "../test-app.ts";

export interface Person {
  user: User;
  id: number;
  actor: Actor;
  principal: Principal;
}

export interface World extends TestApp {
  /** What the domain takes for the time; it stands still until a test moves it. */
  clock: { now: number };
  warnings: unknown[];
  person(name?: string, organization?: { id: number; role?: OrganizationRole }): Promise<Person>;
  organization(name?: string, defaultRoom?: boolean): Promise<{ id: number; principal: Principal }>;
  /** A group of people, the first of whom is its owner. */
  group(people: Person[], roles?: Role[]): Promise<Room>;
  events(room: Pick<Room, "id">): Promise<LoggedEvent[]>;
  /** The events as short texts: `member.joined u:5`. */
  story(room: Pick<Room, "id">): Promise<string[]>;
  /** The members as short texts: `5 owner`. */
  people(room: Pick<Room, "id">): Promise<string[]>;
}

export const PASSWORD = "correct horse";

/** `describeWith("postgres", …)` with a world that all tests of the block share. */
export function describeDomain(name: string, fn: (world: World) => void): void {
  describeWith("postgres", name, ({ postgres }) => {
    const world = {} as World;
    beforeAll(async () => {
      Object.assign(world, await openWorld(postgres.url));
    });
    afterAll(async () => {
      await world.close?.();
    });
    fn(world);
  });
}

async function openWorld(databaseUrl: string): Promise<World> {
  const warnings: unknown[] = [];
  const logger = {
    info: () => {},
    warn: (fields: object) => void warnings.push(fields),
    error: (fields: object) => void warnings.push(fields),
  };
  const clock = { now: Date.now() };
  const now = () => clock.now;
  const app = await testApp({
    ...{ databaseUrl, maxConnections: 8, logger, now },
    hot: () => createMemoryHot({ now }),
  });
  return { ...app, clock, warnings, ...fillers(app.store, app.useCases) };
}

type Fillers = Pick<World, "person" | "organization" | "group" | "events" | "story" | "people">;

function fillers(store: PostgresStore, { directory, roomLifecycle }: UseCases): Fillers {
  const events: World["events"] = ({ id }) => store.log.range(id, 0, Number.MAX_SAFE_INTEGER, 100_000);
  return {
    async person(name = "Ada", organization) {
      const user = await directory.createUser({
        handle: `h-${randomUUID()}`,
        displayName: name,
        ...(organization && {
          organizations: [{ id: organization.id, role: organization.role ?? "member" }],
        }),
      });
      const credential: Credential = { via: "password" };
      return { user, id: user.id, actor: userActor(user), principal: { kind: "user", user, credential } };
    },
    async organization(name = "Rescue", defaultRoom = false) {
      const organization = await directory.createOrganization({ name, defaultRoom });
      return { id: organization.id, principal: { kind: "organization", organization, tokenId: 0 } };
    },
    async group([first, ...others], roles = []) {
      const members = others.map(({ actor }, i) => ({ member: actor, role: roles[i] ?? "user" }));
      return await roomLifecycle.create((first as Person).actor, { type: "group", name: "Group", members });
    },
    events,
    async story(room) {
      return (await events(room)).map(({ type, dataJson }) => {
        const data = JSON.parse(dataJson);
        return data.member === undefined ? type : `${type} ${data.member.id}`;
      });
    },
    async people({ id }) {
      const members = await store.memberships.list([id]);
      return members.map(({ userId, member, role }) => `${userId ?? member} ${role}`);
    },
  };
}

/** A user with {@link PASSWORD} and an e-mail address. */
export async function account(world: World): Promise<User> {
  return await world.useCases.directory.createUser({
    handle: `Ada-${randomUUID()}`,
    email: `Ada.${randomUUID()}@Example.org`,
    password: PASSWORD,
  });
}

export function guest(name = "Gast"): Actor {
  return { kind: "guest", id: randomUUID(), name };
}

export function matrixUser(): Actor {
  return { kind: "matrix", id: `@${randomUUID()}:example.org`, name: "Mel" };
}

export { SYSTEM_ACTOR };

/** Expects a refusal with this code, about this field when one is given. */
export async function refused(
  promise: Promise<unknown>,
  code: ErrorCode,
  field?: string,
): Promise<DomainError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error, `a refusal with ${code}`).toBeInstanceOf(DomainError);
  const refusal = error as DomainError;
  expect({ code: refusal.code, field: field && refusal.field }).toEqual({ code, field });
  return refusal;
}

export function message(text = "Hello", more: object = {}) {
  return { id: randomUUID(), text, ...more };
}
