/** The homeserver restarts with another registration, and later with the right one: what was written meanwhile is all there. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBridgeStore } from "../../../bridge/store/bridge-store.ts";
import { newSynapseFolder, type SynapseService, startSynapse } from "../../../load/services/synapse.ts";
import { userActor } from "../../../src/domain/model.ts";
import { freePort } from "../../black-box/processes.ts";
import { describeWith } from "../../services/need.ts";
import { registrationText } from "../../services/shared.ts";
import { openWorld, readRegistration, until, type World } from "../world.ts";

describeWith(["postgres", "synapseProgram"], "a homeserver with another registration", ({ postgres }) => {
  const world = {} as World;
  const registrationPath = join(newSynapseFolder(), "registration.yaml");
  let synapse: SynapseService;
  let close = async () => {};

  beforeAll(async () => {
    const prefix = "cw_";
    const url = `http://127.0.0.1:${await freePort()}`;
    writeFileSync(registrationPath, registrationText("other-token", { url, prefix }));
    synapse = await startSynapse({ folder: join(registrationPath, ".."), registrationPath });
    const { serverName, registerUser } = synapse;
    const registration = readRegistration(registrationPath, prefix);
    const parts = {
      databaseUrl: postgres.url,
      homeserverUrl: synapse.url,
      serverName,
      registration,
      registerUser,
    };
    close = await openWorld(world, parts, { scanMs: 300, reconcileMs: 1_000 });
  }, 180_000);
  afterAll(async () => {
    await close();
    await synapse?.stop();
  });

  async function restartWith(registration: string): Promise<void> {
    await synapse.kill9();
    writeFileSync(registrationPath, registration);
    await synapse.restart();
  }

  test.each([
    [
      "another token",
      (text: string) => text.replace(/^as_token: .*/m, "as_token: another-token"),
      /M_UNKNOWN_TOKEN/,
    ],
    ["other users", (text: string) => text.replaceAll("@cw_", "@other_"), /M_EXCLUSIVE|M_FORBIDDEN/],
  ])(
    "%s: nothing is lost, and operators are told",
    async (_, changed, told) => {
      const right = readFileSync(registrationPath, "utf8");
      const { ada, ben, room, matrixRoom } = await world.meeting();
      const doomed = await world.group([ada, ben]);
      const doomedMatrixRoom = await world.mirrored(doomed);
      await restartWith(changed(right));
      const texts = Array.from({ length: 12 }, (_, n) => `message ${n}`);
      for (const text of texts) await world.say(ada, room, text);
      await world.useCases.roomLifecycle.removeMember(userActor(ada), room.token, userActor(ben));
      await world.useCases.roomLifecycle.delete(userActor(ada), doomed.token);
      await until("operators are told why", async () =>
        told.test((await world.bridge.health()).detail ?? ""),
      );
      await restartWith(right);
      await until("all is well", async () => (await world.bridge.health()).ok, 60_000);
      await world.store.sql`update bridge_rooms set retry_at = 0`;
      await world.mirrored(room);
      expect((await world.bot.texts(matrixRoom)).map((text) => text.replace(/^.*?: /, ""))).toEqual(texts);
      const member = await world.bot.state(matrixRoom, "m.room.member", world.ghosts.ofUser(ben.id));
      expect(member).toMatchObject({ membership: "leave" });
      await until("the bot has left the deleted room", async () => {
        return !(await world.bot.rooms()).joined.includes(doomedMatrixRoom);
      });
      expect(await createBridgeStore(world.store.sql).list({ after: 0, limit: 10 })).toEqual([]);
    },
    150_000,
  );
});
