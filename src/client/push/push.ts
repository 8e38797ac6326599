import { ChatError, unexpected } from "../errors.ts";
import { shape } from "../frames.ts";
import type { Request, Session } from "../session.ts";

/** A device of the person that gets pushes. */
export interface PushDevice {
  readonly id: string;
  /** What the browser or program calls itself. */
  readonly name: string;
  /** The host of its push service. */
  readonly service: string;
  readonly createdAt: string;
  /** When it last subscribed. */
  readonly usedAt: string;
}

/** Hours without pushes, on all devices of the person. */
export interface QuietHours {
  /** A time of the day, such as `22:00`. */
  readonly from: string;
  readonly to: string;
  /** A time zone such as `Europe/Berlin`. */
  readonly zone: string;
}

export interface PushState {
  /** The server's public key, base64url. */
  readonly key: string;
  /** Whether pushes contain texts and names. */
  readonly content: boolean;
  readonly quietHours: QuietHours | null;
  readonly devices: readonly PushDevice[];
}

/** The part of a browser's `PushSubscription` that this uses: Node has no such type. */
interface Subscription {
  readonly endpoint: string;
  readonly options: { readonly applicationServerKey: ArrayBuffer | null };
  toJSON(): { endpoint?: string; keys?: Record<string, string> };
  unsubscribe(): Promise<boolean>;
}

/** A browser's `ServiceWorkerRegistration`, as far as pushes need it. */
export interface PushRegistration {
  readonly pushManager: {
    getSubscription(): Promise<Subscription | null>;
    subscribe(options: { userVisibleOnly: boolean; applicationServerKey: string }): Promise<Subscription>;
  };
}

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface SubscribeOptions extends CallOptions {
  /**
   * The URL that a click leads to. `{room}` and `{message}` stand for the room's name and the message's id. Defaults to the page
   * of the server.
   */
  readonly page?: string;
}

/** Pushes to this person's devices, which arrive while no page is open. */
export interface Push {
  /** Reads what the server knows. @throws {ChatError} `not_found` if it sends no pushes. */
  state(options?: CallOptions): Promise<PushState>;
  /**
   * Subscribes this browser for the person who is signed in. `registration` is of the service worker that shows the pushes. Ask
   * for the permission to show notifications first. Call it again at each start of the page: the browser may have another
   * subscription by then. Resolves to the id of the device.
   * @throws {ChatError} `not_found` if the server sends no pushes; `unsupported` if the browser does not subscribe.
   */
  subscribe(registration: PushRegistration, options?: SubscribeOptions): Promise<string>;
  /** Ends the subscription of this browser, whoever is signed in. @throws {ChatError} */
  unsubscribe(registration: PushRegistration, options?: CallOptions): Promise<void>;
  /** Ends the pushes to one of the person's devices. @throws {ChatError} */
  remove(device: string, options?: CallOptions): Promise<void>;
  /** Sets the hours without pushes; null: there are none. @throws {ChatError} */
  setQuietHours(hours: QuietHours | null, options?: CallOptions): Promise<void>;
}

const isState = shape("key content:flag devices:objects");
const isDevice = shape("id");

export function createPush(session: Session, repeat: Request): Push {
  const state: Push["state"] = async ({ signal } = {}) => {
    const { body } = await session.request("GET", "push/", { signal });
    if (!isState(body)) throw unexpected();
    return body as unknown as PushState;
  };
  const remove: Push["remove"] = async (device, { signal } = {}) => {
    await repeat("DELETE", `push/${encodeURIComponent(device)}/`, { signal });
  };

  return {
    state,
    async subscribe({ pushManager }, { page, signal } = {}) {
      const { key } = await state({ signal });
      let subscription = await pushManager.getSubscription();
      // It was made for another server, or for this one before it had this key.
      if (subscription && keyOf(subscription) !== key) {
        await subscription.unsubscribe();
        subscription = null;
      }
      try {
        subscription ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
      } catch {
        throw new ChatError("unsupported", "This browser did not subscribe to pushes.");
      }
      const { endpoint, keys } = subscription.toJSON();
      const { body } = await repeat("PUT", "push/", { body: { endpoint, keys, page }, signal });
      if (!isDevice(body)) throw unexpected();
      return body.id as string;
    },
    async unsubscribe({ pushManager }, options) {
      const subscription = await pushManager.getSubscription();
      if (!subscription) return;
      const id = await idOf(subscription.endpoint);
      await subscription.unsubscribe();
      await remove(id, options);
    },
    remove,
    async setQuietHours(hours, { signal } = {}) {
      const path = "account/me/quiet-hours/";
      if (hours) await repeat("PUT", path, { body: { ...hours }, signal });
      else await repeat("DELETE", path, { signal });
    },
  };
}

const base64url = (bytes: ArrayBuffer) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const keyOf = ({ options: { applicationServerKey } }: Subscription) =>
  applicationServerKey && base64url(applicationServerKey);

/** The id by which the server knows a subscription. */
const idOf = async (endpoint: string) =>
  base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint))).slice(0, 32);
