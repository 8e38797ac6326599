import type { Bus } from "./bus.ts";

/** The bus of a single process: there are no other nodes to tell, and none to hear of. */
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
