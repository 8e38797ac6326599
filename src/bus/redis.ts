import { type Clock, every, within } from "../clock.ts";
import { faultOf } from "../errors.ts";
import { createFaults } from "../faults.ts";
import type { Log } from "../log.ts";
import { lengthOf } from "../message.ts";
import type { Metrics } from "../metrics.ts";
import type { Bus, BusListener } from "./bus.ts";
import { createFrames, FRAME_MAX, NODE_AT, type Refused, type Word } from "./frame.ts";
import { createLink, type Link } from "./link.ts";
import type { News, RoomNews } from "./news.ts";
import { createNodes, createStamps } from "./nodes.ts";
import { createSubscriptions } from "./subscriptions.ts";

/** Timeout of a subscription, in milliseconds. Joins then rely on polling, once a second. */
const SUBSCRIBE_MS = 500;
/** Larger ranges are not sent, in characters. Nodes that need them read them from the database. */
const RANGE_MAX = 256 * 1024;
/** High-water mark of data that Redis has not accepted yet, in characters. Above it, frames are dropped. */
const UNSENT_MAX = FRAME_MAX;
/** How often to look for silent nodes, in milliseconds. */
const LOOK_MS = 500;
/** How many kinds of rejected frames are logged between two outages. */
const REJECTIONS_LOGGED = 10;
/** Timeout of the goodbye, in milliseconds. */
const BYE_MS = 200;

interface RedisBusOptions {
  readonly url: string;
  /** Prefix of channels, such as `parley:`, different for each installation. */
  readonly prefix: string;
  /** The secret with which the nodes of this installation authenticate their frames. */
  readonly key: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  random(): number;
}

/** The bus of several nodes, on publish/subscribe of Redis or Valkey. Stores nothing there. */
export interface RedisBus extends Bus {
  /** This node's name. */
  readonly node: string;
  /** The connection for commands; undefined while it is down. */
  readonly commands: Link["commands"];
}

export function createRedisBus(options: RedisBusOptions): RedisBus {
  const { prefix, clock, log, metrics } = options;
  const faulted = createFaults(log, metrics);
  const node = crypto.randomUUID();
  const everyone = `${prefix}all`;
  const mailboxOf = (name: string) => `${prefix}node:${name}`;
  const channelOf = (room: string) => `${prefix}room:${room}`;
  const frames = createFrames(options.key);
  const nextStamp = createStamps(clock);
  const listeners: BusListener[] = [];
  /** News of this tick by channel. Each channel gets one frame per tick. */
  const outgoing = new Map<string, News[]>();
  const logged = new Set<string>();
  let unsent = 0;
  let lastBeat = { text: "", at: 0 };
  let away = false;

  const nodes = createNodes({
    clock,
    gone: (name) => listeners.forEach(({ gone }) => gone?.(name)),
    returned: (name) => listeners.forEach(({ returned }) => returned?.(name)),
  });

  const reject = ({ refused, version }: Refused, channel: string) => {
    metrics.busRefused.labels(refused).inc();
    const kind = version === undefined ? refused : `version ${version}`;
    if (logged.has(kind) || logged.size >= REJECTIONS_LOGGED) return;
    logged.add(kind);
    const what = version === undefined ? REFUSALS[refused] : `frames of version ${version}`;
    log.warn({ event: "bus_refused", channel, what }, "rejected a frame from Redis; logged once per kind");
  };

  const receive = (text: string, channel: string) => {
    // Own frames come back too. They are dropped unread, so it does not matter whether they really are.
    if (text.startsWith(node, NODE_AT)) return channel === everyone ? heardOwn(text) : undefined;
    const frame = frames.read(channel, text);
    if ("refused" in frame) return reject(frame, channel);
    const refused = nodes.heard(frame.from, frame.stamp);
    if (refused) return reject({ refused }, channel);
    const word = frame.word();
    if (word === "bye") return nodes.bye(frame.from);
    if (word === "alive") return;
    if ("refused" in word) return reject(word, channel);
    metrics.busReceived.inc();
    for (const news of word.news) for (const listener of listeners) deliver(listener, news, frame.from);
  };

  /** Calls a listener. An error of one listener must not affect the others. */
  const deliver = ({ heard }: BusListener, news: News, from: string) => {
    try {
      heard?.(news, from);
    } catch (error) {
      faulted(error, "news of another node");
    }
  };

  const heardOwn = (text: string) => {
    if (text !== lastBeat.text) return;
    metrics.busLag.observe((clock.monotonic() - lastBeat.at) / 1000);
    link.heardOwn();
  };

  const write = (channel: string, word: Word) => frames.write(channel, node, nextStamp(), word);

  const send = (channel: string, text: string) => {
    const { commands } = link;
    if (!commands || unsent + text.length > UNSENT_MAX) return metrics.busLost.inc();
    unsent += text.length;
    metrics.busPublished.inc();
    commands
      .publish(channel, text)
      .catch(() => metrics.busLost.inc())
      .finally(() => (unsent -= text.length));
  };

  const flush = () => {
    for (const [channel, news] of outgoing) send(channel, write(channel, { news }));
    outgoing.clear();
  };

  const enqueue = (channel: string, news: News) => {
    if (!link.commands) return metrics.busLost.inc();
    if (outgoing.size === 0) queueMicrotask(flush);
    const queued = outgoing.get(channel);
    if (queued) queued.push(news);
    else outgoing.set(channel, [news]);
  };

  const subscriptions = createSubscriptions({ receive, failed: (error) => link.lose(error) });
  // Never unsubscribed: a client without any subscription has been seen to resolve the next one too early.
  void subscriptions.want(everyone);
  void subscriptions.want(mailboxOf(node));

  const link = createLink({
    url: options.url,
    clock,
    random: options.random,
    opened: ({ subscriber }) => subscriptions.attach(subscriber),
    up() {
      away = false;
      logged.clear();
      metrics.busConnected.set(1);
      log.info({ event: "bus_up" }, "connected to Redis, which carries news between nodes");
      nodes.forgive();
      for (const { restored } of listeners) restored?.();
    },
    down(reason) {
      subscriptions.detach();
      outgoing.clear();
      metrics.busConnected.set(0);
      if (!away)
        log.warn(
          { event: "bus_away", fault: faultOf(reason) },
          "Redis is unavailable; news of other nodes comes through the database",
        );
      away = true;
    },
    beat() {
      lastBeat = { text: write(everyone, "alive"), at: clock.monotonic() };
      send(everyone, lastBeat.text);
    },
  });

  const stopLooking = every(clock, LOOK_MS, () => {
    nodes.look(link.commands !== undefined);
    metrics.busNodes.set(nodes.size);
  });

  return {
    node,
    get commands() {
      return link.commands;
    },
    publish: (news) => enqueue(channelOf(news.room), bounded(news)),
    announce: (notice) => enqueue(everyone, notice),
    reply: (other, notice) => enqueue(mailboxOf(other), notice),
    get others() {
      return nodes.size;
    },
    subscribe: (room) => within(clock, SUBSCRIBE_MS, subscriptions.want(channelOf(room))),
    unsubscribe: (room) => subscriptions.forget(channelOf(room)),
    listen: (listener) => void listeners.push(listener),
    async stop() {
      flush();
      stopLooking();
      await within(clock, BYE_MS, link.commands?.publish(everyone, write(everyone, "bye")) ?? flushed);
      link.stop();
    },
  };
}

const flushed = Promise.resolve();

/** What the log says about a refused frame. */
const REFUSALS = {
  version: "a frame of another version",
  malformed: "not a frame of ours",
  forged: "not from a node of this installation, so somebody else can publish on this Redis",
  repeated: "a frame that was received before, so somebody else can publish on this Redis",
  late: "a frame whose time is more than five minutes from ours: synchronise the clocks of the nodes",
} as const;

/** Replaces a range that is too large to send with the version that the room has reached. */
function bounded(news: RoomNews): RoomNews {
  if (news.type !== "changed") return news;
  const length = news.states.reduce((sum, state) => sum + lengthOf(state), 0);
  const { room, epoch, to } = news;
  return length <= RANGE_MAX ? news : { type: "moved", room, epoch, version: to };
}
