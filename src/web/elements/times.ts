/** Times as people write them, in their own language and zone. */
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const SHORT_DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export function clockTime(at: number): string {
  return CLOCK.format(at);
}
export function dayName(at: number): string {
  return sameDay(at, Date.now()) ? "Today" : DAY.format(at);
}
/** The time of day for today, else the day. */
export function shortTime(at: number): string {
  return sameDay(at, Date.now()) ? CLOCK.format(at) : SHORT_DAY.format(at);
}
export function wholeTime(at: number): string {
  return WHOLE.format(at);
}
export function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}
