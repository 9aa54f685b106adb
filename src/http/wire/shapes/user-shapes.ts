/** Wire's user, as everybody sees them. */
import type { User } from "../../../domain/model.ts";

export function shownUser(user: User, domain: string) {
  return {
    id: user.uuid,
    qualified_id: { id: user.uuid, domain },
    name: user.displayName,
    picture: [],
    assets: [],
    accent_id: 0,
    handle: user.handle,
  };
}
