import type { Bus } from "./bus.ts";

/** The bus of a single process, which has no other nodes. */
export const createLocalBus = (): Bus => ({
  publish() {},
  announce() {},
  reply() {},
  others: 0,
  async subscribe() {},
  unsubscribe() {},
  listen() {},
  async stop() {},
});
