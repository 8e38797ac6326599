import { createHash } from "node:crypto";
import type { Identity } from "../identity.ts";
import { Refusal } from "../errors.ts";
import { areKeys } from "./encrypt.ts";
import type { DeviceStore, QuietHours, ShownDevice, Subscription } from "./ports.ts";

/** People's devices, for the routes. */
export interface Push {
  /** The key that browsers bind subscriptions to, base64url. */
  readonly key: string;
  /** Whether pushes contain texts and names. */
  readonly content: boolean;
  /**
   * Subscribes a device for the person of a token, and for nobody else from then on. Resolves to its id.
   * @throws {Refusal} invalid, unavailable.
   */
  subscribe(person: Identity, device: Wish, userAgent: string): Promise<string>;
  unsubscribe(person: Identity, id: string): Promise<void>;
  devices(person: Identity): Promise<readonly ShownDevice[]>;
  quiet(person: Identity): Promise<QuietHours | null>;
  setQuiet(person: Identity, hours: QuietHours | null): Promise<void>;
}

export interface Wish extends Subscription {
  /** Where a click leads. Empty: to the page of the server. */
  readonly page: string;
}

/** The id of a device: the same for the same endpoint. */
export const deviceId = (endpoint: string): string =>
  createHash("sha256").update(endpoint).digest("base64url").slice(0, 32);

interface PushOptions {
  readonly store: DeviceStore;
  readonly key: string;
  readonly content: boolean;
  /** Returns what is wrong with an address to which the server is to send requests, if anything. */
  check(endpoint: string): string | undefined;
}

export const createPush = ({ store, key, content, check }: PushOptions): Push => ({
  key,
  content,
  async subscribe({ userId, sessionId, grants }, device, userAgent) {
    const fault = check(device.endpoint);
    if (fault !== undefined) throw new Refusal("invalid", { errors: { endpoint: [fault] } });
    if (!(await areKeys(device)))
      throw new Refusal("invalid", { errors: { keys: ["must be the keys of a push subscription"] } });
    const id = deviceId(device.endpoint);
    await store.put({ ...device, id, userId, sessionId, grants, userAgent });
    return id;
  },
  unsubscribe: ({ userId }, id) => store.remove(userId, id),
  devices: ({ userId }) => store.list(userId),
  quiet: ({ userId }) => store.quiet(userId),
  setQuiet: ({ userId }, hours) => store.setQuiet(userId, hours),
});
