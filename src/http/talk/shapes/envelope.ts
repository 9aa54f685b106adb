/**
 * The OCS envelope, in JSON or XML. [B.1] Version 2 answers with HTTP's status, version 1 with 200 and the status inside. OCS
 * has its own codes for missing credentials (997), unknown operations (998) and server errors (996).
 */
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { HttpContext } from "../../face/face.ts";
import { xmlOf } from "./xml.ts";

export const V1 = "/ocs/v1.php";
export const V2 = "/ocs/v2.php";

export interface Outcome {
  status: number;
  data?: unknown;
  message?: string;
  /** The OCS code if it is not HTTP's status. */
  statuscode?: number;
  headers?: Record<string, string>;
}

const WENT_WELL_V1 = 100;
const NOT_LOGGED_IN = 997;
const DEFECT = 996;
export const NO_SUCH_OPERATION = 998;

export function respond(c: HttpContext, { headers = {}, ...outcome }: Outcome): Response {
  const v1 = isV1(c);
  const status = (v1 && !isOfHttp(outcome) ? 200 : outcome.status) as ContentfulStatusCode;
  if (outcome.status === 304 && !v1) return c.body(null, 304, headers);
  const ocs = envelope(outcome, v1);
  const json = wantsJson(c);
  const type = json ? "application/json; charset=utf-8" : "application/xml; charset=utf-8";
  return c.body(json ? JSON.stringify({ ocs }) : xmlOf("ocs", ocs), status, {
    ...headers,
    "Content-Type": type,
  });
}

/** Whether the answer has HTTP's status in both versions, as for unknown operations. */
function isOfHttp({ status, statuscode }: Outcome): boolean {
  return status === 405 || statuscode === NO_SUCH_OPERATION;
}

function envelope({ status, data = [], message, statuscode }: Outcome, v1: boolean) {
  const well = status < 400;
  const meta = {
    status: well ? "ok" : "failure",
    statuscode: statuscode ?? codeOf(status, v1),
    message: message ?? (well ? "OK" : ""),
  };
  return { meta, data };
}

function codeOf(status: number, v1: boolean): number {
  if (v1 && status < 300) return WENT_WELL_V1;
  if (status === 401) return NOT_LOGGED_IN;
  return status === 500 ? DEFECT : status;
}

function isV1(c: HttpContext): boolean {
  return new URL(c.req.url).pathname.startsWith(`${V1}/`);
}

/** [B.1] XML unless JSON is asked for, by `format` or by the first of the two types that `Accept` names. */
function wantsJson(c: HttpContext): boolean {
  const format = new URL(c.req.url).searchParams.get("format");
  if (format !== null) return format === "json";
  const accepted = (c.req.header("Accept") ?? "").toLowerCase().split(",");
  const types = accepted.map((type) => type.split(";")[0]?.trim());
  return types.find((type) => type === "application/json" || isXml(type)) === "application/json";
}

function isXml(type: string | undefined): boolean {
  return type === "application/xml" || type === "text/xml";
}
