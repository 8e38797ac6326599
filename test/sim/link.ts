import { HARD_LIMIT } from "../../src/chat/limits.ts";
import type { Socket } from "../../src/chat/ports.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";
import { createUpstream } from "./upstream.ts";
import type { Wire } from "./wire.ts";

/** The close code of a socket that ended without a close frame. */
export const CUT = 1006;
/** How long a closed socket may take to send its close frame before it is cut, in milliseconds. */
const GOODBYE_MS = 5_000;
const HELD_BACK = { frames: 32, bytes: 16 * 1024 } as const;

interface ServerEnd {
  receive(frame: string): void;
  drained(): void;
  ended(): void;
}

export interface ClientEnd {
  arrived(wire: Wire): void;
  closed(code: number): void;
}

/** Observes a link. */
export interface LinkWatch {
  received(link: Link, frame: string): void;
  sent(link: Link, wire: Wire): void;
  subscribed(link: Link): void;
  closed(link: Link, code: number): void;
}

/** One WebSocket between a client and a node, and the network between them: a queue in each direction. */
export interface Link {
  readonly id: number;
  readonly socket: Socket;
  readonly topics: ReadonlySet<string>;
  /** The server does not know yet that it ended. */
  readonly open: boolean;
  /** The network has failed, and the client does not know yet. */
  readonly lost: boolean;
  /** The server's bytes wait before they go out. */
  readonly pressed: boolean;
  readonly buffered: number;
  /** Waiting bytes that the socket does not show yet. */
  readonly hidden: number;
  /** Since when the client has not been reading, in virtual time. */
  readonly stalledAt: number | undefined;
  attach(server: ServerEnd): void;
  /** Queues a frame. `published`: its bytes may stay hidden until the next turn. */
  put(wire: Wire, published: boolean): void;
  /** Sends a client's frame. */
  send(frame: string): void;
  /** The client stops reading, and resumes. */
  stall(): void;
  read(): void;
  /** The client closes the socket. */
  leave(): void;
  /** The network fails; each side finds out when it does. */
  cut(): void;
  /** The server's process has died. */
  orphan(): void;
}

interface LinkOptions {
  readonly id: number;
  readonly schedule: Schedule;
  readonly random: Random;
  readonly client: ClientEnd;
  readonly watch: LinkWatch;
  toWire(frame: string): Wire;
  /** Runs a task in the next turn of the server's event loop. */
  soon(task: () => void): void;
}

type Outgoing = Wire | { readonly code: number };

export function createLink(options: LinkOptions): Link {
  const { schedule, random, client, watch, soon } = options;
  const topics = new Set<string>();
  let server: ServerEnd | undefined;
  let serverOpen = true;
  let clientOpen = true;
  let severed = false;

  // From server to client: frames that the operating system took, and frames that wait in the process.
  let kernel: Outgoing[] = [];
  let kernelRoom = 0;
  let queue: Outgoing[] = [];
  let queued = 0;
  let hidden = 0;
  let held = 0;
  let stalledAt: number | undefined;
  let draining = false;
  let closing = false;
  let lastArrival = 0;
  let flight: { readonly sentAt: number; readonly items: Outgoing[] } | undefined;

  const latency = () => random.between(0.2, random.chance(0.1) ? 60 : 4);

  const endClient = (code: number) => {
    if (!clientOpen) return;
    clientOpen = false;
    client.closed(code);
  };

  const endServer = () => {
    if (!serverOpen) return;
    serverOpen = false;
    topics.clear();
    server?.ended();
  };

  const arrive = (item: Outgoing) => {
    if (!clientOpen) return;
    if ("code" in item) endClient(item.code);
    else client.arrived(item);
  };

  /** Frames sent at one moment arrive at one moment. */
  const fly = (item: Outgoing) => {
    if (flight && flight.sentAt === schedule.now) return void flight.items.push(item);
    const { items } = (flight = { sentAt: schedule.now, items: [item] });
    lastArrival = Math.max(lastArrival, schedule.now + latency());
    schedule.after(lastArrival - schedule.now, () => items.forEach(arrive));
  };

  const bytesOf = (item: Outgoing) => ("code" in item ? 0 : item.bytes);

  const show = () => void (hidden = held = 0);

  /** Holds back a few small frames of a turn and writes them together, as the runtime does. */
  const holdBack = (bytes: number) => {
    if (held === HELD_BACK.frames || bytes >= HELD_BACK.bytes) show();
    if (bytes >= HELD_BACK.bytes) return;
    hidden += bytes;
    if (++held === 1) soon(show);
  };

  const enqueue = (item: Outgoing, published: boolean) => {
    const flowing = stalledAt === undefined && !draining && !severed;
    if (flowing) return fly(item);
    const bytes = bytesOf(item);
    if (queue.length === 0 && bytes <= kernelRoom) {
      kernelRoom -= bytes;
      kernel.push(item);
      return;
    }
    queue.push(item);
    queued += bytes;
    if (published) holdBack(bytes);
    else show();
    if (queued > HARD_LIMIT) sever("by the runtime");
  };

  /** The client reads again, and waiting frames go out in steps. */
  const drain = () => {
    if (stalledAt !== undefined || severed || !clientOpen) return void (draining = false);
    let budget = random.between(20_000, 400_000);
    for (const item of kernel) fly(item);
    kernel = [];
    const before = queued;
    while (queue[0] && budget > 0) {
      const item = queue.shift() as Outgoing;
      queued -= bytesOf(item);
      budget -= bytesOf(item);
      fly(item);
    }
    draining = queue.length > 0;
    if (draining) schedule.after(random.between(0.5, 20), drain);
    if (serverOpen && before > queued && (!draining || random.chance(0.7))) server?.drained();
  };

  const sever = (how: "by the network" | "by the runtime") => {
    if (severed) return;
    severed = true;
    const patience = () => random.between(0, random.chance(0.2) ? 3_000 : 50);
    if (how === "by the runtime") watch.closed(link, CUT);
    schedule.after(patience(), () => endClient(CUT));
    schedule.after(how === "by the runtime" ? 0 : patience(), endServer);
  };

  const take = (frame: string) => {
    if (!serverOpen) return;
    watch.received(link, frame);
    server?.receive(frame);
  };

  const upstream = createUpstream({ schedule, random, latency, isOpen: () => serverOpen, take });

  const socket: Socket = {
    send: (frame) => link.put(options.toWire(frame), false),
    buffered: () => Math.max(0, queued - hidden),
    subscribe(topic) {
      if (!serverOpen) return;
      topics.add(topic);
      watch.subscribed(link);
    },
    unsubscribe: (topic) => void topics.delete(topic),
    pause: upstream.pause,
    resume: upstream.resume,
    close(code) {
      if (!serverOpen || closing) return;
      watch.closed(link, code);
      enqueue({ code }, false);
      closing = true;
      schedule.after(GOODBYE_MS, () => endClient(CUT));
      endServer();
    },
  };

  const link: Link = {
    id: options.id,
    socket,
    topics,
    get open() {
      return serverOpen;
    },
    get lost() {
      return severed && clientOpen;
    },
    get pressed() {
      return queue.length > 0;
    },
    get buffered() {
      return queued;
    },
    get hidden() {
      return hidden;
    },
    get stalledAt() {
      return stalledAt;
    },
    attach: (end) => void (server = end),
    put(wire, published) {
      if (!serverOpen || closing || (severed && queued > HARD_LIMIT)) return;
      watch.sent(link, wire);
      enqueue(wire, published);
    },
    send(frame) {
      if (!clientOpen || severed) return;
      upstream.send(frame);
    },
    stall() {
      if (stalledAt !== undefined || !clientOpen) return;
      stalledAt = schedule.now;
      kernelRoom = random.below(2) * random.between(0, 200_000);
    },
    read() {
      if (stalledAt === undefined) return;
      stalledAt = undefined;
      if (draining || kernel.length + queue.length === 0) return;
      draining = true;
      drain();
    },
    leave() {
      if (!clientOpen) return;
      clientOpen = false;
      upstream.end(endServer);
    },
    cut: () => sever("by the network"),
    orphan() {
      serverOpen = false;
      topics.clear();
      queue = [];
      queued = 0;
      schedule.after(random.between(0, 100), () => endClient(CUT));
    },
  };
  return link;
}
