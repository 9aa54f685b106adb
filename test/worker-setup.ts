/** In every test process: when vitest is killed its workers live on, and with them what they started. */
process.once("disconnect", () => process.exit(1));
