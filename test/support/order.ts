import type { Order } from "../../src/order.ts";

/** An order by somebody at a shell. */
export const ORDER: Order = { via: "cli", actor: "root", address: "here", reason: "" };
