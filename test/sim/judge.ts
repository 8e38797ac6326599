import type { Chat } from "../../src/chat/chat.ts";
import { STALL_MS } from "../../src/chat/limits.ts";
import type { Seat } from "../../src/chat/ports.ts";
import type { Identity } from "../../src/identity.ts";
import { CLOSE } from "../../src/protocol/codes.ts";
import { CUT, type Link, type LinkWatch } from "./link.ts";
import { createPlainJudge } from "./plain-judge.ts";
import type { Window } from "./sight.ts";
import { createV1Judge } from "./v1-judge.ts";
import { summary, type Wire } from "./wire.ts";
import type { World } from "./world.ts";

/** A socket as the server sees it. */
export interface Served {
  readonly node: string;
  readonly chat: Chat;
  readonly identity: Identity;
  readonly format: "v1" | "plain";
  readonly room?: string;
  readonly since?: { readonly epoch: string; readonly version: number };
}

/** Checks the guarantees of one protocol on one socket. */
export interface SocketJudge {
  received(frame: string): void;
  sent(wire: Wire): void;
  /** A subscription became live. */
  subscribed?(): void;
  /** The rooms that the socket is in, and since when. */
  rooms(): Iterable<readonly [room: string, since: number]>;
  /** Who else is in a room, as far as the socket was told. */
  presentIn?(room: string): Iterable<string>;
  /** Returns what is still owed to a client that has waited long enough. */
  owed(): string[];
}

/** Checks everything that leaves a node against the guarantees, at the moment at which it leaves. */
export interface Judge extends LinkWatch {
  opened(link: Link, served: Served): void;
  ended(link: Link): void;
  owed(): string[];
  /** A node acknowledged that someone is out of a room: none of their sockets there has been in it since before. */
  departed(node: string, seat: Seat, begun: number): void;
  /**
   * Everyone who is in a room, and whom their socket knows to be there. Sockets that nobody reads are left out: what was
   * suspended there goes on, or ends, once they drain.
   */
  present(): { readonly node: string; readonly seat: Seat; readonly present: readonly string[] }[];
}

export function createJudge(world: World): Judge {
  const sockets = new Map<Link, { served: Served; window: Window; judge: SocketJudge }>();
  /** Sockets that the server has closed. */
  const closed = new WeakSet<Link>();

  const seats = () =>
    [...sockets].flatMap(([link, { served, judge }]) =>
      closed.has(link) || !link.open
        ? []
        : [...judge.rooms()].map(([room, since]) => ({
            node: served.node,
            seat: { userId: served.identity.userId, room },
            since,
            isRead: link.stalledAt === undefined,
            present: [...(judge.presentIn?.(room) ?? [])],
          })),
    );

  /** Whether the room of its URL may be closed to the socket's person, or they left it for good. */
  const mayLeave = ({ identity: { userId }, room = "" }: Served, window: Window, code: number) =>
    world.rights.mayBeOut({ userId, room }, window, code);

  return {
    opened(link, served) {
      const judge =
        served.format === "v1" ? createV1Judge(world, served) : createPlainJudge(world, served, link);
      sockets.set(link, { served, window: world.sight.windowOf(served.room ?? ""), judge });
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
      closed.add(link);
      const { served, window } = sockets.get(link) ?? {};
      world.note?.(`  ${served?.node} closes #${link.id} with ${code}`);
      const stalled = link.stalledAt === undefined ? 0 : world.schedule.now - link.stalledAt;
      // It should have left the live topic before.
      if (code === CUT) world.fail("a socket filled up unseen", `#${link.id}, ${link.buffered} bytes`);
      if (code === CLOSE.slow && stalled < STALL_MS - 1)
        world.fail(
          "a socket was closed as slow that was not",
          `#${link.id}, ${link.buffered} bytes, ${stalled} ms`,
        );
      if (code >= 4500 && !(served && window && mayLeave(served, window, code)))
        world.fail("a socket was told not to come back", `#${link.id}, ${code}`);
    },
    ended: (link) => void sockets.delete(link),
    departed(node, seat, begun) {
      const still = seats().find(
        (one) =>
          one.node === node &&
          one.seat.userId === seat.userId &&
          one.seat.room === seat.room &&
          one.since < begun,
      );
      if (still) world.fail("someone is still in a room that they are out of", `${seat.userId} ${seat.room}`);
    },
    present: () => seats().filter(({ isRead }) => isRead),
    owed: () =>
      [...sockets].flatMap(([link, { judge }]) =>
        link.open ? judge.owed().map((what) => `#${link.id}: ${what}`) : [],
      ),
  };
}
