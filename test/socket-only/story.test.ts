/**
 * A messenger that is built on the SDK alone: one app does all that a user can do by the HTTP APIs, from signing in to deleting the account.
 * Another device of the same user, other people's apps and a Matrix client watch; after each chapter they show the same. The recorder
 * between them and the server lets nothing through but the socket, signing in, and the bytes of files.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { describeWith } from "../services/need.ts";
import { blocking, finding, profile } from "./chapters/people.ts";
import { group, moderation, publicRoom, roles } from "./chapters/rooms.ts";
import { devicesAreListed, everybodySignsIn, renewing } from "./chapters/signing-in.ts";
import { openStage, type Stage } from "./stage.ts";
import { allAgree, type Story } from "./story.ts";

describeWith(["postgres", "synapse"], "an app on the socket alone", (services) => {
  let stage: Stage;
  let story: Story;
  beforeAll(async () => {
    stage = await openStage(services);
    story = await everybodySignsIn(stage);
  });
  afterAll(async () => {
    const { phone, laptop, bens, cleos, matrix } = story;
    await Promise.all([phone, laptop, bens, cleos, matrix].map((each) => each?.close()));
    await stage.close();
  });
  afterEach(() => expect(stage.recorder.refused).toEqual([]));

  const CHAPTERS: [about: string, tell: (story: Story) => Promise<void>][] = [
    ["a login is renewed", renewing],
    ["devices are listed", devicesAreListed],
    ["a profile with a picture", profile],
    ["people are found", finding],
    ["people are blocked", blocking],
    ["a group is made", group],
    ["a public room is joined, by its token and by a link", publicRoom],
    ["members have roles", roles],
    ["moderators set who writes", moderation],
  ];
  test.each(CHAPTERS)("%s", async (_, tell) => {
    await tell(story);
    await allAgree(story);
  });
});
