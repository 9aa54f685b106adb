/** A conversation's settings, what its members set for themselves, and typing. */
import { badField } from "../../../domain/errors.ts";
import { dataOf } from "../../../domain/event-data.ts";
import type { Change, SettingsPatch } from "../../../domain/use-cases/room-settings.ts";
import type { HttpApp } from "../../face/face.ts";
import { given } from "../../requests/fields.ts";
import { callingClient } from "../common/authentication.ts";
import { type Caller, callerOf, doing, placeOf, requireAction, type WireParts } from "../common/parts.ts";
import { RENAMES, ROUTES, SETTINGS } from "../conversations/conversation-routes.ts";
import { settingEvents, type WireEvent, wireEvent } from "../shapes/events.ts";
import { memberBody } from "../shapes/shapes.ts";

type Parts = WireParts<"clock" | "finding" | "joining" | "memberSettings" | "roomSettings">;

export function registerSettings(app: HttpApp, parts: Parts): void {
  const { roomSettings } = parts.useCases;

  registerRenames(app, parts);
  app.openapi(SETTINGS.receiptMode, async (c) => {
    const caller = callerOf(c);
    const place = await placeOf(parts, caller, c.req.valid("param").cnv);
    requireAction(parts, place, "receipt_mode");
    const { receipt_mode } = c.req.valid("json");
    const change = await roomSettings.setReceiptMode(caller.actor, place.conversation.token, receipt_mode);
    const answer = eventOf(parts, caller, change);
    return answer ? c.json(answer, 200) : c.body(null, 204);
  });
  app.openapi(SETTINGS.messageTimer, async (c) => {
    const caller = callerOf(c);
    const place = await placeOf(parts, caller, c.req.valid("param").cnv);
    requireAction(parts, place, "message_timer");
    const { message_timer = null } = c.req.valid("json");
    const change = await roomSettings.setMessageTimer(caller.actor, place.conversation.token, message_timer);
    const answer = eventOf(parts, caller, change);
    return answer ? c.json(answer, 200) : c.body(null, 204);
  });
  app.openapi(SETTINGS.access, async (c) => {
    const caller = callerOf(c);
    const place = await placeOf(parts, caller, c.req.valid("param").cnv);
    requireAction(parts, place, "access");
    const { access, access_role: accessRole } = c.req.valid("json");
    const wanted = { access, accessRole };
    const change = await roomSettings.setAccess(caller.actor, place.conversation.token, wanted);
    const { room: conversation, event } = change;
    if (!event) return c.body(null, 204);
    const where = doing(parts, caller, conversation, event);
    const data = { access: conversation.access, access_role: conversation.accessRole };
    return c.json(wireEvent("conversation.access-update", where, data), 200);
  });
  registerOwn(app, parts);
}

function registerRenames(app: HttpApp, parts: WireParts<"clock" | "finding" | "roomSettings">): void {
  const { roomSettings, clock } = parts.useCases;
  for (const route of RENAMES) {
    app.openapi(route, async (c) => {
      const caller = callerOf(c);
      const place = await placeOf(parts, caller, c.req.valid("param").cnv);
      if (place.conversation.type !== "one_to_one") requireAction(parts, place, "rename");
      const { name } = c.req.valid("json");
      const { room: conversation, event } = await roomSettings.rename(
        caller.actor,
        place.conversation.token,
        name,
        "wire",
      );
      // A name that did not change is in the answer, but makes no event.
      const where = doing(parts, caller, conversation, event ?? { at: clock.now() });
      return c.json(wireEvent("conversation.rename", where, { name: conversation.name }), 200);
    });
  }
}

/** The event in the answer to a change; null when nothing changed. */
function eventOf(parts: WireParts, caller: Caller, { room: conversation, event }: Change): WireEvent | null {
  if (!event) return null;
  const changed = dataOf<"room.changed">(event);
  return settingEvents(changed, doing(parts, caller, conversation, event))[0] ?? null;
}

function registerOwn(
  app: HttpApp,
  parts: WireParts<"clock" | "finding" | "joining" | "memberSettings">,
): void {
  const { memberSettings, joining } = parts.useCases;

  app.openapi(ROUTES.self, async (c) => {
    const caller = callerOf(c);
    const { me } = await placeOf(parts, caller, c.req.valid("param").cnv);
    return c.json(memberBody(caller.user.uuid, me), 200);
  });
  app.openapi(ROUTES.updateSelf, async (c) => {
    const caller = callerOf(c);
    const { conversation } = await placeOf(parts, caller, c.req.valid("param").cnv);
    const patch = ownPatch(c.req.valid("json"));
    if (Object.keys(patch).length === 0) throw badField("body", "must set at least one thing");
    await memberSettings.change(caller.actor, conversation.token, patch);
    return c.body(null, 200);
  });
  app.openapi(ROUTES.typing, async (c) => {
    const caller = callerOf(c);
    const { conversation } = await placeOf(parts, caller, c.req.valid("param").cnv);
    const on = c.req.valid("json").status === "started";
    await joining.typing(caller.actor, conversation.token, on, callingClient(c));
    return c.body(null, 200);
  });
}

/** The domain's patch. In Wire's updates null means no change. */
function ownPatch(update: {
  otr_muted_status?: number | null | undefined;
  otr_muted_ref?: string | null | undefined;
  otr_archived?: boolean | null | undefined;
  otr_archived_ref?: string | null | undefined;
  hidden?: boolean | null | undefined;
  hidden_ref?: string | null | undefined;
}): SettingsPatch {
  return given({
    mutedStatus: update.otr_muted_status ?? undefined,
    mutedRef: update.otr_muted_ref ?? undefined,
    archived: update.otr_archived ?? undefined,
    archivedRef: update.otr_archived_ref ?? undefined,
    hidden: update.hidden ?? undefined,
    hiddenRef: update.hidden_ref ?? undefined,
  });
}
