import type { Bus, BusListener } from "../../src/bus/bus.ts";
import { createLocalBus } from "../../src/bus/local.ts";
import type { News } from "../../src/bus/news.ts";

/** A bus between nodes of a test that loses nothing: what is told is heard by every other node, at once. */
export function createBusLine() {
  const nodes = new Map<string, BusListener[]>();
  let told = 0;
  let isAway = false;
  const everyoneBut = (node: string, task: (listener: BusListener) => void) => {
    for (const [name, listeners] of nodes) if (name !== node) listeners.forEach(task);
  };
  const tell = (from: string) => (news: News) => {
    told++;
    if (!isAway) everyoneBut(from, ({ heard }) => heard?.(news, from));
  };

  return {
    /** How often something was told. */
    get told() {
      return told;
    },
    join(node: string): Bus {
      const listeners: BusListener[] = [];
      nodes.set(node, listeners);
      return {
        ...createLocalBus(),
        publish: tell(node),
        announce: tell(node),
        reply(to, news) {
          told++;
          for (const { heard } of isAway ? [] : (nodes.get(to) ?? [])) heard?.(news, node);
        },
        get others() {
          return nodes.size - 1;
        },
        listen: (listener) => void listeners.push(listener),
      };
    },
    /** A node dies; after a while the others hold it to be gone. */
    die(node: string) {
      nodes.delete(node);
      everyoneBut(node, ({ gone }) => gone?.(node));
    },
    /** Nothing is heard until it is back. */
    away(now: boolean) {
      isAway = now;
      if (!now) everyoneBut("", ({ restored }) => restored?.());
    },
  };
}
