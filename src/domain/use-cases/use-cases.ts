/**
 * What every face may ask of the domain. A face (WebSocket, HTTP API, Matrix) parses and shapes; rules live behind
 * these interfaces. All of them reject with `DomainError`.
 *
 * `actor` is whoever acts; `room` is the 8-character token of a room. A room that does not exist and one that the
 * actor is not in are both `not_found`.
 */

import type { Repeats } from "../context/repeats.ts";
import type { Clock } from "../ports/clock.ts";
import type { Journal } from "../ports/store/journal.ts";
import type { AccountDeletions, Accounts, OidcSignIn, OwnIdentities } from "./accounts.ts";
import type { Chatrooms } from "./chatrooms.ts";
import type { Directory, Provisioning } from "./directory.ts";
import type { CallUseCases, Decay, Lobby, PresenceUseCases, Signaling } from "./live.ts";
import type { Lookup } from "./lookup.ts";
import type { MessageUseCases } from "./messages.ts";
import type { Guests, Joining, Roster } from "./participants.ts";
import type { PeopleUseCases } from "./people.ts";
import type { RoomEntries } from "./room-entries.ts";
import type { RoomLifecycle } from "./room-lifecycle.ts";
import type { GuestLinks, MemberSettings, RoomSettings } from "./room-settings.ts";
import type { Finding, MatrixRequests, OneToOne } from "./rooms.ts";
import type { Messages } from "./sending.ts";

/** Everything, as the composition root hands it to the faces. */
export interface UseCases extends RoomUseCases, MessageUseCases, PeopleUseCases {
  clock: Clock;
  messages: Messages;
  calls: CallUseCases;
  presence: PresenceUseCases;
  decay: Decay;
  lobby: Lobby;
  roomLifecycle: RoomLifecycle;
  signaling: Signaling;
  chatrooms: Chatrooms;
  accounts: Accounts;
  accountDeletions: AccountDeletions;
  ownIdentities: OwnIdentities;
  /** Null: no identity provider is set. */
  oidc: OidcSignIn | null;
  directory: Directory;
  lookup: Lookup;
  /** What happened to a user's rooms and connections while they were away. It judges by itself what a reader may be told. */
  journal: Omit<Journal, "uuids" | "roomNames">;
  provisioning: Provisioning;
  repeats: Repeats;
}

/** The use cases of rooms and the people in them. */
export interface RoomUseCases {
  finding: Finding;
  oneToOne: OneToOne;
  roster: Roster;
  joining: Joining;
  guests: Guests;
  roomSettings: RoomSettings;
  guestLinks: GuestLinks;
  memberSettings: MemberSettings;
  roomEntries: RoomEntries;
  matrixRequests: MatrixRequests;
}
