/** Takes everybody out of the Matrix room of a chatroom that was deleted. */
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { Aliases } from "./aliases.ts";
import type { RoomRef } from "./members.ts";

interface EmptyingParts {
  accounts: GhostAccounts;
  ghosts: Ghosts;
  aliases: Pick<Aliases, "free">;
  asBot: <T>(method: "GET" | "POST", path: string, body?: object) => Promise<T>;
}

/** Members that are removed at once. */
const MAX_PARALLEL_REMOVALS = 4;

/** See `MatrixRooms.clear`. From a room that was made in Matrix our own people go, and the others stay. */
export async function emptyRoom(
  { accounts, ghosts, aliases, asBot }: EmptyingParts,
  room: RoomRef & { token: string },
): Promise<void> {
  const path = (rest: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(room.matrixRoomId)}/${rest}`;
  const othersIn = async () => {
    const members = await membersIn(asBot, path("members?not_membership=leave"));
    const others = members.filter((matrixId) => matrixId !== ghosts.bot);
    return room.foreign ? others.filter((matrixId) => ghosts.read(matrixId) !== null) : others;
  };
  const takeOut = (user_id: string) =>
    room.foreign
      ? accounts.request(user_id, "POST", path("leave"), { body: {} })
      : asBot("POST", path("kick"), { user_id, reason: "The chatroom was deleted" });
  const others = await othersIn();
  for (let i = 0; i < others.length; i += MAX_PARALLEL_REMOVALS) {
    const some = others.slice(i, i + MAX_PARALLEL_REMOVALS);
    await Promise.all(some.map((matrixId) => unlessGone(takeOut(matrixId))));
  }
  const [left] = await othersIn();
  // After the bot has left, nobody could remove them.
  if (left !== undefined) throw new Error(`${left} can't be removed from a deleted room in Matrix`);
  if (!room.foreign) await unlessGone(aliases.free(room.token));
  await unlessGone(asBot("POST", path("leave"), {}));
  await unlessGone(asBot("POST", path("forget"), {}));
}

interface MembersAnswer {
  chunk: { state_key: string; content: { membership?: string } }[];
}

/** Matrix ids of the joined and invited members; none when the bot is no longer in the room. */
async function membersIn(
  asBot: <T>(method: "GET", path: string) => Promise<T>,
  path: string,
): Promise<string[]> {
  try {
    const { chunk } = await asBot<MembersAnswer>("GET", path);
    const here = chunk.filter(
      ({ content: { membership } }) => membership === "join" || membership === "invite",
    );
    return here.map(({ state_key }) => state_key);
  } catch (error) {
    if (error instanceof HomeserverError && error.says("M_FORBIDDEN", "M_NOT_FOUND")) return [];
    throw error;
  }
}

async function unlessGone(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    // The alias, the membership or the room is gone already.
    if (!(error instanceof HomeserverError) || (error.status ?? 500) >= 500) throw error;
    if (!error.says("M_FORBIDDEN", "M_NOT_FOUND", "M_UNKNOWN")) throw error;
  }
}
