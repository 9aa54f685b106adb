/** The time, for everything that people or other processes see, or that is scheduled. */
export interface Clock {
  /**
   * Milliseconds since 1970 UTC by the database's clock: every process agrees on it within a few milliseconds, whatever
   * its own wall clock says. Durations within a process are measured with `performance.now()` instead.
   */
  now(): number;
}
