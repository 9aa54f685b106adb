/** Talk's refusals: OCS envelopes with empty data, except the one of HTTP itself (see {@link NoApiRequest}). */
import { DomainError } from "../../../domain/errors.ts";
import { type Failure, type FailureStatus, STATUS, spelled } from "../../answers/failures.ts";
import type { HttpContext, Refusal } from "../../face/face.ts";
import { NO_SUCH_OPERATION, respond } from "./envelope.ts";

/** By the domain's name of a field: this API's name. */
const FIELDS: Record<string, string> = {
  name: "roomName",
  text: "message",
  seq: "lastReadMessage",
  members: "invite",
  group: "invite",
  until: "timer",
  notificationLevel: "level",
  member: "participant",
};

const CSRF_MESSAGE = "CSRF check failed";

/** [B.1] The refusal of a request without the header that browsers do not send by themselves. */
export class NoApiRequest extends DomainError {
  constructor() {
    super("forbidden", CSRF_MESSAGE);
    this.name = "NoApiRequest";
  }
}

/** A refusal whose code is OCS's own and not HTTP's: 101–199 by the operation. HTTP then says 400. */
export class OcsRefusal extends DomainError {
  readonly statuscode: number;

  constructor(statuscode: number, message: string) {
    super("bad_request", message);
    this.name = "OcsRefusal";
    this.statuscode = statuscode;
  }
}

/** [B.2] People who wait in the lobby get 412. */
const TALK_STATUS: Record<Failure["code"], FailureStatus> = { ...STATUS, lobby: 412 };

interface RefusalBody {
  statuscode?: number;
  message: string;
}

export function refuse(failure: Failure): Refusal {
  const { code, cause } = failure;
  if (cause instanceof NoApiRequest) return { status: 412, body: { message: cause.message } };
  const body: RefusalBody = { message: spelled(failure, FIELDS) };
  if (code === "unauthorized") body.message = "Current user is not logged in";
  if (cause instanceof OcsRefusal) body.statuscode = cause.statuscode;
  // Without a cause the path is unknown.
  if (code === "not_found" && cause === undefined) {
    body.statuscode = NO_SUCH_OPERATION;
    body.message = "Invalid query, please check the syntax; /docs/talk lists the operations";
  }
  return { status: TALK_STATUS[code], body };
}

export function respondRefusal(c: HttpContext, { status, body, headers = {} }: Refusal): Response {
  const { message, statuscode } = body as RefusalBody;
  if (status === 412 && message === CSRF_MESSAGE) return c.json(body, status, headers);
  return respond(c, { status, message, headers, ...(statuscode !== undefined && { statuscode }) });
}
