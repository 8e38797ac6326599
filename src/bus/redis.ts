import { type Clock, every, within } from "../clock.ts";
import { faultOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { lengthOf } from "../message.ts";
import type { Metrics } from "../metrics.ts";
import type { Bus, BusListener } from "./bus.ts";
import { readFrame, type Refused, writeFrame } from "./frame.ts";
import { createLink, type Link } from "./link.ts";
import type { News, RoomNews } from "./news.ts";
import { createNodes } from "./nodes.ts";
import { createSubscriptions } from "./subscriptions.ts";

/** A join does not wait longer for its subscription: the room's counter is looked at every second. In milliseconds. */
const SUBSCRIBE_MS = 500;
/** Larger ranges are read from the database by who needs them, in characters. */
const RANGE_MAX = 256 * 1024;
/** What Redis has not taken yet, at most, in characters; beyond, frames are dropped. */
const UNSENT_MAX = 16 * 1024 * 1024;
const LOOK_MS = 500;
/** So many kinds of what is refused are said. */
const COMPLAINTS_MAX = 10;
/** How long saying goodbye may take, in milliseconds. */
const BYE_MS = 200;

interface RedisBusOptions {
  readonly url: string;
  /** What channels begin with, such as `parley:`; those of another installation do not. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  random(): number;
}

/** The bus of many nodes, on the publish and subscribe of Redis or Valkey: nothing is stored there. */
export interface RedisBus extends Bus {
  /** This node's name among the others. */
  readonly node: string;
  /** The connection for commands, while there is one. */
  readonly commands: Link["commands"];
}

export function createRedisBus(options: RedisBusOptions): RedisBus {
  const { prefix, clock, log, metrics } = options;
  const node = crypto.randomUUID();
  const everyone = `${prefix}all`;
  const mailboxOf = (name: string) => `${prefix}node:${name}`;
  const channelOf = (room: string) => `${prefix}room:${room}`;
  const listeners: BusListener[] = [];
  /** What is told in one tick goes out as one frame a channel. */
  const outgoing = new Map<string, News[]>();
  const complaints = new Set<string>();
  let unsent = 0;
  let beatAt = 0;
  let away = false;

  const nodes = createNodes({
    clock,
    gone: (name) => listeners.forEach(({ gone }) => gone?.(name)),
    returned: (name) => listeners.forEach(({ returned }) => returned?.(name)),
  });

  const refuse = ({ refused, version }: Refused, channel: string) => {
    metrics.busRefused.labels(refused).inc();
    const complaint = version === undefined ? refused : `version ${version}`;
    if (complaints.has(complaint) || complaints.size >= COMPLAINTS_MAX) return;
    complaints.add(complaint);
    const what = version === undefined ? "no frame of ours" : `frames of version ${version}`;
    log.warn({ event: "bus_refused", channel, what }, "what came from Redis was refused; said once");
  };

  const hear = (text: string, channel: string) => {
    const frame = readFrame(text);
    if ("refused" in frame) return refuse(frame, channel);
    if (frame.from === node) return channel === everyone ? heardOwn(text) : undefined;
    const word = frame.word();
    if (word === "bye") return nodes.bye(frame.from);
    if (word === "alive") return nodes.heard(frame.from);
    if ("refused" in word) return refuse(word, channel);
    metrics.busReceived.inc();
    for (const news of word.news) for (const listener of listeners) tellHere(listener, news, frame.from);
  };

  /** Nobody up there would catch it. */
  const tellHere = ({ heard }: BusListener, news: News, from: string) => {
    try {
      heard?.(news, from);
    } catch (error) {
      metrics.faults.inc();
      log.error({ event: "fault", fault: faultOf(error) }, "news of another node could not be taken");
    }
  };

  const alive = writeFrame(node, "alive");
  const heardOwn = (text: string) => {
    if (text !== alive) return;
    metrics.busLag.observe((clock.monotonic() - beatAt) / 1000);
    link.heardOwn();
  };

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
    for (const [channel, news] of outgoing) send(channel, writeFrame(node, { news }));
    outgoing.clear();
  };

  const tell = (channel: string, news: News) => {
    if (!link.commands) return metrics.busLost.inc();
    if (outgoing.size === 0) queueMicrotask(flush);
    const told = outgoing.get(channel);
    if (told) told.push(news);
    else outgoing.set(channel, [news]);
  };

  const subscriptions = createSubscriptions({ hear, failed: (error) => link.lose(error) });
  // One that is never given up: a client without any subscription has been seen to answer the next one too early.
  void subscriptions.want(everyone);
  void subscriptions.want(mailboxOf(node));

  const link = createLink({
    url: options.url,
    clock,
    random: options.random,
    opened: ({ subscriber }) => subscriptions.attach(subscriber),
    up() {
      away = false;
      complaints.clear();
      metrics.busConnected.set(1);
      log.info({ event: "bus_up" }, "news between nodes go through Redis");
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
          "Redis cannot be used; other nodes' news come through the database",
        );
      away = true;
    },
    beat() {
      beatAt = clock.monotonic();
      send(everyone, alive);
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
    publish: (news) => tell(channelOf(news.room), bounded(news)),
    announce: (notice) => tell(everyone, notice),
    reply: (other, notice) => tell(mailboxOf(other), notice),
    get others() {
      return nodes.size;
    },
    subscribe: (room) => within(clock, SUBSCRIBE_MS, subscriptions.want(channelOf(room))),
    unsubscribe: (room) => subscriptions.forget(channelOf(room)),
    listen: (listener) => void listeners.push(listener),
    async stop() {
      flush();
      stopLooking();
      await within(clock, BYE_MS, link.commands?.publish(everyone, writeFrame(node, "bye")) ?? flushed);
      link.stop();
    },
  };
}

const flushed = Promise.resolve();

/** A range that is too large to be told is only pointed at. */
function bounded(news: RoomNews): RoomNews {
  if (news.type !== "changed") return news;
  const length = news.states.reduce((sum, state) => sum + lengthOf(state), 0);
  const { room, epoch, to } = news;
  return length <= RANGE_MAX ? news : { type: "moved", room, epoch, version: to };
}
