/** The operations on rooms as Wire has them. */
import { randomUUID } from "node:crypto";
import type { FaceWays } from "../authorization/operations.ts";
import { bearerOf } from "../site.ts";
import { httpWays } from "./http-way.ts";

const wireWay = httpWays({
  prefix: "",
  headers: bearerOf,
  refusal: ({ status, json }) => (status < 300 ? null : `${status} ${json?.label}`),
});

const NOBODY = "00000000-0000-0000-0000-000000000001";

export const WIRE: FaceWays = {
  name: "Wire",
  guests: false,
  says: {
    bad_request: "403 invalid-op",
    unauthorized: "401 invalid-credentials",
    forbidden: "403 action-denied",
    not_found: "404 no-conversation",
    read_only: "403 access-denied",
    lobby: "403 access-denied",
  },
  ways: {
    "see the room": wireWay("GET", "/conversations/{cnv}", ({ uuid }) => `/conversations/${uuid}`, {
      says: { not_found: "403 access-denied" },
    }),
    type: wireWay("POST", "/conversations/{cnv}/typing", ({ uuid }) => [
      `/conversations/${uuid}/typing`,
      { status: "stopped" },
    ]),
    "keep settings of one's own": wireWay("PUT", "/conversations/{cnv}/self", ({ uuid }) => [
      `/conversations/${uuid}/self`,
      { otr_muted_status: 1 },
    ]),
    rename: wireWay(
      "PUT",
      "/conversations/{cnv}/name",
      ({ uuid }) => [`/conversations/${uuid}/name`, { name: `Wire ${randomUUID()}` }],
      { inOneToOne: ["rename_one_to_one"] },
    ),
    "set the message timer": wireWay("PUT", "/conversations/{cnv}/message-timer", ({ uuid }) => [
      `/conversations/${uuid}/message-timer`,
      { message_timer: 3_600_000 },
    ]),
    "set the receipt mode": wireWay("PUT", "/conversations/{cnv}/receipt-mode", ({ uuid }) => [
      `/conversations/${uuid}/receipt-mode`,
      { receipt_mode: 1 },
    ]),
    "set Wire's access": wireWay("PUT", "/conversations/{cnv}/access", ({ uuid }) => [
      `/conversations/${uuid}/access`,
      { access: ["invite", "code"], access_role: "activated" },
    ]),
    "make a guest link": wireWay(
      "POST",
      "/conversations/{cnv}/code",
      ({ uuid }) => `/conversations/${uuid}/code`,
    ),
    "add a member": wireWay("POST", "/conversations/{cnv}/members", ({ uuid }, _, { newcomer }) => [
      `/conversations/${uuid}/members`,
      { users: [newcomer.uuid] },
    ]),
    "remove a member": wireWay("DELETE", "/conversations/{cnv}/members/{usr}", ({ uuid, extra }) => {
      return `/conversations/${uuid}/members/${extra.uuid}`;
    }),
    "make somebody a moderator": wireWay("PUT", "/conversations/{cnv}/members/{usr}", ({ uuid, extra }) => [
      `/conversations/${uuid}/members/${extra.uuid}`,
      { conversation_role: "wire_admin" },
    ]),
    "leave for good": wireWay(
      "DELETE",
      "/conversations/{cnv}/members/{oneself}",
      ({ uuid }, { person }) => `/conversations/${uuid}/members/${person?.uuid ?? NOBODY}`,
      { inOneToOne: "bad_request" },
    ),
    "delete the room": wireWay(
      "DELETE",
      "/teams/{tid}/conversations/{cnv}",
      ({ uuid }, _, { organization }) => `/teams/${organization.uuid}/conversations/${uuid}`,
      { inOneToOne: "not_found" },
    ),
  },
};
