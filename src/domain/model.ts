/**
 * The nouns of Causeway: room, event, member, account. Plain data without behaviour. GLOSSARY.md explains the words.
 *
 * Ids: `id` is the int64 of the database (kept below 2^53), `uuid` is Wire's name for the same row,
 * `publicId` (16 characters `[A-Za-z0-9]`) is Protocol's, `token` (8 characters) is the WebSocket's and Talk's.
 * Times are milliseconds since 1970 UTC.
 */

export * from "./model/actors.ts";
export * from "./model/files.ts";
export * from "./model/journal.ts";
export * from "./model/log.ts";
export * from "./model/people.ts";
export * from "./model/rooms.ts";
