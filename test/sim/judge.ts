import type { Chat } from "../../src/chat/chat.ts";
import { STALL_MS } from "../../src/chat/limits.ts";
import type { Identity } from "../../src/identity.ts";
import { CLOSE } from "../../src/protocol/codes.ts";
import { CUT, type Link, type LinkWatch } from "./link.ts";
import { createPlainJudge } from "./plain-judge.ts";
import { createV1Judge } from "./v1-judge.ts";
import { summary, type Wire } from "./wire.ts";
import type { World } from "./world.ts";

/** A socket as the server has it. */
export interface Served {
  readonly node: string;
  readonly chat: Chat;
  readonly identity: Identity;
  readonly format: "v1" | "plain";
  readonly room?: string;
  readonly since?: { readonly epoch: string; readonly version: number };
}

/** What one protocol promises on one socket. */
export interface SocketJudge {
  received(frame: string): void;
  sent(wire: Wire): void;
  /** A feed became live. */
  subscribed?(): void;
  /** What is still owed to a client that has waited long enough. */
  owed(): string[];
}

/** Holds everything that leaves a node against the contract, at the moment at which it leaves. */
export interface Judge extends LinkWatch {
  opened(link: Link, served: Served): void;
  ended(link: Link): void;
  owed(): string[];
}

export function createJudge(world: World): Judge {
  const sockets = new Map<Link, { served: Served; judge: SocketJudge }>();

  return {
    opened(link, served) {
      const judge =
        served.format === "v1" ? createV1Judge(world, served) : createPlainJudge(world, served, link);
      sockets.set(link, { served, judge });
    },
    received(link, frame) {
      sockets.get(link)?.judge.received(frame);
    },
    sent(link, wire) {
      world.note?.(`  ${sockets.get(link)?.served.node} → #${link.id} ${summary(wire.text)}`);
      sockets.get(link)?.judge.sent(wire);
    },
    subscribed: (link) => sockets.get(link)?.judge.subscribed?.(),
    closed(link, code) {
      const { served } = sockets.get(link) ?? {};
      world.note?.(`  ${served?.node} closes #${link.id} with ${code}`);
      const stalled = link.stalledAt === undefined ? 0 : world.schedule.now - link.stalledAt;
      // It should have been taken off the live feed before.
      if (code === CUT) world.fail("a socket filled up unseen", `#${link.id}, ${link.buffered} bytes`);
      if (code === CLOSE.slow && stalled < STALL_MS - 1)
        world.fail(
          "a socket was closed as slow that was not",
          `#${link.id}, ${link.buffered} bytes, ${stalled} ms`,
        );
      if (code >= 4500) world.fail("a socket was told not to come back", `#${link.id}, ${code}`);
    },
    ended: (link) => void sockets.delete(link),
    owed: () =>
      [...sockets].flatMap(([link, { judge }]) =>
        link.open ? judge.owed().map((what) => `#${link.id}: ${what}`) : [],
      ),
  };
}
