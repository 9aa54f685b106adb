import { expect, test } from "vitest";
import type { Role } from "../../src/domain/model.ts";
import { ACTIONS, can, PERMISSIONS, waitsInLobby } from "../../src/domain/permissions.ts";

const ROLES = Object.keys(PERMISSIONS) as Role[];
const open = {
  id: 1,
  type: "group",
  readOnly: false,
  posting: "all",
  lobby: false,
  lobbyUntil: null,
  blocked: false,
} as const;

test.each(ROLES)("every %s may send while the room is open: the append path relies on it", (role) => {
  // causeway_append (src/store/schema/functions/messages/causeway_append.sql) lets members of open rooms send without judging them anew.
  expect(can({ role }, open, "send", 0)).toBeNull();
});

test("a read-only room shuts writing off for everybody, and nothing else", () => {
  const room = { ...open, readOnly: true };
  for (const role of ROLES) {
    expect(can({ role }, room, "send", 0)).toBe("read_only");
    expect(can({ role }, room, "read", 0)).toBeNull();
    expect(can({ role }, room, "leave", 0)).toBeNull();
  }
});

test("where only moderators write, others read, react and call, and edit nothing", () => {
  const room = { ...open, posting: "moderators" } as const;
  const refused = (role: Role) => ACTIONS.filter((action) => can({ role }, room, action, 0) !== null);
  const refusedAnyway = (role: Role) => ACTIONS.filter((action) => can({ role }, open, action, 0) !== null);
  for (const role of ["user", "self_joined", "guest"] as const) {
    const more = refused(role).filter((action) => !refusedAnyway(role).includes(action));
    expect(more, role).toEqual(["send", "type", "edit_own"]);
    expect(can({ role }, room, "send", 0)).toBe("forbidden");
  }
  for (const role of ["owner", "moderator", "guest_moderator"] as const) {
    expect(refused(role), role).toEqual(refusedAnyway(role));
  }
});

test("a lobby keeps plain members out until its time, and moderators never", () => {
  const room = { ...open, lobby: true, lobbyUntil: 1_000 };
  expect(can({ role: "user" }, room, "read", 999)).toBe("lobby");
  expect(can({ role: "user" }, room, "read", 1_000)).toBeNull();
  expect(can({ role: "guest_moderator" }, room, "read", 999)).toBeNull();
  expect(can({ role: "user" }, { ...room, lobbyUntil: null }, "send", 9_999)).toBe("lobby");
  expect(ROLES.filter((role) => waitsInLobby({ role }, room, 999))).toEqual(["user", "self_joined", "guest"]);
  expect(ROLES.filter((role) => waitsInLobby({ role }, room, 1_000))).toEqual([]);
});

test("a one-to-one room can't be changed by anybody, and both write in it", () => {
  const room = { ...open, type: "one_to_one" } as const;
  const changes = ACTIONS.filter((action) => can({ role: "owner" }, room, action, 0) === "bad_request");
  expect(changes).toContain("rename");
  expect(changes).toContain("delete_room");
  expect(can({ role: "owner" }, room, "send", 0)).toBeNull();
});
