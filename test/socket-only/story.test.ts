/**
 * A messenger that is built on the SDK alone: one app does all that a user can do by the HTTP APIs, from signing in to deleting the account.
 * Another device of the same user, other people's apps and a Matrix client watch; after each chapter they show the same. The recorder
 * between them and the server lets nothing through but the socket, signing in, and the bytes of files.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { CLIENT_SCHEMAS } from "../../src/protocol/frames.ts";
import { describeWith } from "../services/need.ts";
import { deletingTheAccount, endingSessions, leaving, newPassword, signingOut } from "./chapters/account.ts";
import { sendingFiles, takingFilesBack } from "./chapters/files.ts";
import { adaSignsADeviceIn, cleoTakesAMatrixClient, matrixAnswers } from "./chapters/matrix.ts";
import {
  changing,
  expiring,
  hiding,
  reacting,
  searching,
  sendingOn,
  thread,
  writing,
} from "./chapters/messages.ts";
import { blocking, connecting, contactBook, finding, profile } from "./chapters/people.ts";
import { beingThere, calling, reading, receipts, settings } from "./chapters/presence.ts";
import { group, moderation, pages, publicRoom, roles } from "./chapters/rooms.ts";
import { devicesAreListed, everybodySignsIn, renewing } from "./chapters/signing-in.ts";
import { DOORS, REFUSED } from "./recorder.ts";
import { openStage, type Stage } from "./stage.ts";
import { allAgree, type Story } from "./story.ts";

/** Ops that no app of the story says, each with the reason. */
const NOT_IN_THE_STORY: Record<string, string> = {
  "identity.link": "it needs an identity provider: test/oidc",
  "identity.unlink": "it needs an identity provider: test/oidc",
  "call.flags": "the SDK says call.join with the new flags, which a new session can say too",
};

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
    ["people are put into the contact book", contactBook],
    ["people of other organizations are connected", connecting],
    ["a group is made", group],
    ["a Matrix client comes along", cleoTakesAMatrixClient],
    ["a public room is joined, by its token and by a link", publicRoom],
    ["the list of rooms in pages", pages],
    ["members have roles", roles],
    ["moderators set who writes", moderation],
    ["messages of all kinds", writing],
    ["a thread", thread],
    ["messages are sent on", sendingOn],
    ["messages are hidden for oneself", hiding],
    ["messages are changed and deleted", changing],
    ["reactions and pins", reacting],
    ["files", sendingFiles],
    ["files are taken back", takingFilesBack],
    ["messages that expire", expiring],
    ["search", searching],
    ["Matrix answers", matrixAnswers],
    ["another device in Matrix", adaSignsADeviceIn],
    ["who is there, and who types", beingThere],
    ["who has read", receipts],
    ["read and unread on all devices", reading],
    ["calls", calling],
    ["settings of one's own", settings],
    ["rooms are left and deleted", leaving],
    ["sessions are ended", endingSessions],
    ["a new password", newPassword],
    ["signing out", signingOut],
  ];
  test.each(CHAPTERS)("%s", async (_, tell) => {
    await tell(story);
    await allAgree(story);
  });

  test("the account is deleted", async () => {
    await deletingTheAccount(story);
  });

  test("another request of an app would not have got through", async () => {
    const { recorder, url } = stage;
    const { token } = await story.bens.login.token();
    const answer = await fetch(`${url}/self`, { headers: { Authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(REFUSED);
    expect(recorder.refused.splice(0)).toEqual(["GET /self"]);
  });

  test("every op was said, and every request that an app may make was made", () => {
    const ops = Object.keys(CLIENT_SCHEMAS).filter((op) => !Object.hasOwn(NOT_IN_THE_STORY, op));
    expect(ops.filter((op) => !stage.said.has(op))).toEqual([]);
    expect([...stage.recorder.asked].sort()).toEqual(DOORS.map(({ name }) => name).sort());
  });
});
