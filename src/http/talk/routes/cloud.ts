/** [B.8.3] Users and groups, for users who are administrators; and the server's capabilities. */
import { z } from "@hono/zod-openapi";
import { badField, DomainError } from "../../../domain/errors.ts";
import { failureOf } from "../../answers/failures.ts";
import { logAct } from "../../face/audit.ts";
import { MAX_ID_LENGTH, type TalkParts } from "../common/parts.ts";
import type { Outcome } from "../shapes/envelope.ts";
import { OcsRefusal, refuse } from "../shapes/failures.ts";
import { integer, line } from "../shapes/parameters.ts";

const USER = "/cloud/users/{userId}";
const DONE: Outcome = { status: 200 };
const MAX_TEXT_LENGTH = 4_000;
/** The OCS code for a name that exists already. */
const EXISTS_ALREADY = 102;
const FORBIDDEN = { 403: "The caller is no administrator" };

const userSchema = z
  .object({
    id: z.string(),
    enabled: z.boolean(),
    displayname: z.string(),
    "display-name": z.string(),
    email: z.string(),
    groups: z.array(z.string()),
  })
  .openapi("CloudUser");

/** The most items of one page. */
const MAX_LISTED = 1_000;
const LISTED = {
  search: line(MAX_TEXT_LENGTH).default("").openapi({ description: "In ids and names, whatever the case" }),
  limit: integer({ min: 1, max: MAX_LISTED }).default(MAX_LISTED),
  offset: integer({ min: 0 }).default(0),
};
const usersSchema = z.object({ users: z.array(z.string()) });
const groupsSchema = z.object({ groups: z.array(z.string()) });

export function registerCloud(parts: TalkParts<"provisioning">): void {
  const audited = { ...parts, forUsers: auditedOperations(parts) };
  registerLists(audited);
  registerUsers(audited);
  registerUserChanges(audited);
  registerGroups(audited);
}

/** `forUsers` with audit lines in the log for acts and refusals. */
function auditedOperations({ forUsers, logger }: TalkParts): TalkParts["forUsers"] {
  return (operation, handler) =>
    forUsers(operation, async (asked) => {
      const { c, user } = asked;
      try {
        const outcome = await handler(asked);
        logAct(logger, c, user.handle, outcome.status);
        return outcome;
      } catch (error) {
        logAct(logger, c, user.handle, refuse(failureOf(error)).status);
        throw error;
      }
    });
}

function registerLists({ forUsers, useCases: { provisioning } }: TalkParts<"provisioning">): void {
  forUsers(
    {
      ...{ method: "get", path: "/cloud/users", summary: "The users' ids", input: LISTED },
      answers: { 200: { data: usersSchema, description: "In order" }, ...FORBIDDEN },
    },
    async ({ user: caller, input }) => ({
      status: 200,
      data: { users: await provisioning.users(caller, input) },
    }),
  );
  forUsers(
    {
      ...{ method: "get", path: "/cloud/groups", summary: "The groups' ids", input: LISTED },
      answers: { 200: { data: groupsSchema, description: "In order" }, ...FORBIDDEN },
    },
    async ({ user: caller, input }) => ({
      status: 200,
      data: { groups: await provisioning.groups(caller, input) },
    }),
  );
  for (const path of ["/cloud/groups/{groupId}", "/cloud/groups/{groupId}/users"]) {
    forUsers(
      {
        ...{ method: "get", path, summary: "The ids of the users in a group" },
        answers: { 200: { data: usersSchema, description: "In it" }, ...FORBIDDEN, 404: "No such group" },
      },
      async ({ c, user: caller }) => ({
        status: 200,
        data: { users: await provisioning.groupUsers(caller, param(c.req.param("groupId"))) },
      }),
    );
  }
}

function registerUsers({ forUsers, useCases: { provisioning } }: TalkParts<"provisioning">): void {
  forUsers(
    {
      ...{ method: "get", path: USER, summary: "A user, for administrators and for oneself" },
      answers: { 200: { data: userSchema, description: "The user" }, ...FORBIDDEN },
    },
    async ({ c, user: caller }) => {
      const { user, groups } = await provisioning.user(caller, param(c.req.param("userId")));
      const { handle: id, displayName, email } = user;
      const names = { displayname: displayName, "display-name": displayName };
      return { status: 200, data: { id, enabled: true, ...names, email: email ?? "", groups } };
    },
  );
  forUsers(
    {
      ...{ method: "post", path: "/cloud/users", summary: "Create a user" },
      input: {
        userid: line(MAX_ID_LENGTH),
        password: line(MAX_TEXT_LENGTH),
        displayName: line(MAX_TEXT_LENGTH).default(""),
        email: line(MAX_ID_LENGTH).default(""),
      },
      answers: {
        200: { data: z.object({ id: z.string() }), description: "The user is there" },
        400: "A rule is broken; 102: there is such a user already",
        ...FORBIDDEN,
      },
    },
    async ({ user: caller, input: { userid: handle, password, displayName, email } }) => {
      const more = { ...(displayName && { displayName }), ...(email && { email }) };
      const user = await provisioning
        .createUser(caller, { handle, password, ...more })
        .catch(existsAlready("User already exists"));
      return { status: 200, data: { id: user.handle } };
    },
  );
}

function registerUserChanges({ forUsers, useCases: { provisioning } }: TalkParts<"provisioning">): void {
  forUsers(
    {
      ...{ method: "put", path: USER, summary: "Change a user" },
      input: {
        key: z.enum(["displayname", "email", "password"], "must be displayname, email or password"),
        value: line(MAX_TEXT_LENGTH).default(""),
      },
      answers: { 200: "It is changed", ...FORBIDDEN },
    },
    async ({ c, user: caller, input: { key, value } }) => {
      const patch = {
        displayname: { displayName: value },
        email: { email: value || null },
        password: { password: value },
      };
      await provisioning
        .updateUser(caller, param(c.req.param("userId")), patch[key])
        .catch(existsAlready("Another user has it already"));
      return DONE;
    },
  );
  forUsers(
    {
      ...{ method: "delete", path: USER, summary: "Delete a user, who leaves every room" },
      answers: { 200: "The user is gone", ...FORBIDDEN },
    },
    async ({ c, user: caller }) => {
      await provisioning.deleteUser(caller, param(c.req.param("userId")));
      return DONE;
    },
  );
}

function registerGroups({ forUsers, useCases: { provisioning } }: TalkParts<"provisioning">): void {
  const input = { groupid: line(MAX_ID_LENGTH) };
  forUsers(
    {
      ...{ method: "post", path: `${USER}/groups`, summary: "Put a user into a group", input },
      answers: { 200: "The user is in it", ...FORBIDDEN },
    },
    async ({ c, user: caller, input: { groupid } }) => {
      await provisioning.addToGroup(caller, param(c.req.param("userId")), groupid);
      return DONE;
    },
  );
  forUsers(
    {
      ...{ method: "post", path: "/cloud/groups", summary: "Create a group", input },
      answers: {
        200: "The group is there",
        400: "A rule is broken; 102: there is such a group already",
        ...FORBIDDEN,
      },
    },
    async ({ user: caller, input: { groupid } }) => {
      await provisioning.createGroup(caller, groupid).catch(existsAlready("Group already exists"));
      return DONE;
    },
  );
  forUsers(
    {
      ...{ method: "delete", path: "/cloud/groups/{groupId}", summary: "Delete a group; its users stay" },
      answers: { 200: "The group is gone", ...FORBIDDEN },
    },
    async ({ c, user: caller }) => {
      await provisioning.deleteGroup(caller, param(c.req.param("groupId")));
      return DONE;
    },
  );
}

/** A parameter from the path, which no schema has checked. */
function param(value: string | undefined): string {
  const parsed = line(MAX_ID_LENGTH).safeParse(value);
  if (!parsed.success) throw badField("id", parsed.error.issues[0]?.message ?? "is invalid");
  return parsed.data;
}

function existsAlready(message: string): (error: unknown) => never {
  return (error) => {
    const known = error instanceof DomainError && error.code === "conflict";
    throw known ? new OcsRefusal(EXISTS_ALREADY, message) : error;
  };
}
