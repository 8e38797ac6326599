import type { Bus, BusListener } from "../../src/bus/bus.ts";
import { createLocalBus } from "../../src/bus/local.ts";
import type { News } from "../../src/bus/news.ts";

/** Creates a bus between the nodes of a test that loses nothing and delivers to every other node at once. */
export function createBusLine() {
  const nodes = new Map<string, BusListener[]>();
  let sent = 0;
  let isAway = false;
  const everyoneBut = (node: string, task: (listener: BusListener) => void) => {
    for (const [name, listeners] of nodes) if (name !== node) listeners.forEach(task);
  };
  const send = (from: string) => (news: News) => {
    sent++;
    if (!isAway) everyoneBut(from, ({ heard }) => heard?.(news, from));
  };

  return {
    /** The number of messages sent so far. */
    get told() {
      return sent;
    },
    join(node: string): Bus {
      const listeners: BusListener[] = [];
      nodes.set(node, listeners);
      return {
        ...createLocalBus(),
        publish: send(node),
        announce: send(node),
        reply(to, news) {
          sent++;
          for (const { heard } of isAway ? [] : (nodes.get(to) ?? [])) heard?.(news, node);
        },
        get others() {
          return nodes.size - 1;
        },
        listen: (listener) => void listeners.push(listener),
      };
    },
    /** Removes a node; the others are notified that it is gone. */
    die(node: string) {
      nodes.delete(node);
      everyoneBut(node, ({ gone }) => gone?.(node));
    },
    /** Takes the bus down, or brings it back. While it is down, all messages are lost. */
    away(now: boolean) {
      isAway = now;
      if (!now) everyoneBut("", ({ restored }) => restored?.());
    },
  };
}
