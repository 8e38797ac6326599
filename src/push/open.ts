import type { Outbound } from "../outbound/outbound.ts";
import type { DeviceStore, Post, PushQueue } from "./ports.ts";
import { createPush, type Push } from "./push.ts";
import { createReads } from "./reads.ts";
import { type SenderParts, startSender } from "./sender.ts";
import { createVapid } from "./vapid.ts";

interface OpenOptions extends Omit<SenderParts, "vapid" | "devices" | "post"> {
  /** The private key of this database. */
  readonly key: string;
  /** How push services reach the operator. */
  readonly subject: string;
  readonly devices: DeviceStore;
  readonly queue: PushQueue;
  readonly outbound: Outbound;
  /** The operator's own hosts, whose push services need no https. */
  readonly own: readonly string[];
}

/** Pushes to people's devices, at work on this node. */
export interface Pushing {
  readonly push: Push;
  /** A person has read a room up to a message. */
  read(userId: number, room: string, id: number): void;
  stop(): Promise<void>;
}

export async function openPush({ key, subject, outbound, own, ...parts }: OpenOptions): Promise<Pushing> {
  const { devices, queue, clock, content } = parts;
  const vapid = await createVapid(key, subject, clock);
  const post: Post = async (url, headers, body) => {
    const response = await outbound.send({ url, headers, body });
    return { status: response.status, retryAfter: response.headers["retry-after"] ?? null };
  };
  const check = (endpoint: string) => {
    const url = URL.parse(endpoint);
    if (url?.protocol !== "https:" && !(url && own.includes(url.hostname))) return "must begin with https://";
    return outbound.inspect(endpoint) && "must lead to the public internet, without credentials";
  };
  const sender = startSender({ ...parts, vapid, post });
  const reads = createReads(queue, clock);
  return {
    push: createPush({ store: devices, key: vapid.publicKey, content, check }),
    read: reads.read,
    stop() {
      reads.stop();
      return sender.stop();
    },
  };
}
