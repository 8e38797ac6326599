import type { Clock } from "../clock.ts";
import { readRetryAfter } from "../outbound/retryafter.ts";
import { encrypt } from "./encrypt.ts";
import { bytesOf, type Payload } from "./payload.ts";
import type { Device, Post } from "./ports.ts";
import type { Vapid } from "./vapid.ts";

/** How long a push service keeps a push for a device that it cannot reach, in seconds. */
const TTL_S = 24 * 3600;
/** The longest that a push service can make the server wait with `Retry-After`, in milliseconds. */
const RETRY_MAX_MS = 3600_000;

/** What a push service said. */
export type Delivery =
  | "sent"
  /** It does not know the device any more. */
  | "gone"
  | "too_large"
  /** It will never take this push, for example because of the signature. */
  | "refused"
  /** It could not be reached, or is overloaded. `isDown`: this concerns the service, not the device. */
  | { readonly retryMs: number | undefined; readonly isDown: boolean };

export interface Sending {
  readonly payload: Payload;
  readonly topic: string;
  readonly urgency: "high" | "normal" | "low";
}

/** Sends a push to a device. Never rejects. */
export async function deliver(
  device: Device,
  { payload, topic, urgency }: Sending,
  { post, vapid, clock }: { readonly post: Post; readonly vapid: Vapid; readonly clock: Clock },
): Promise<Delivery> {
  try {
    const body = await encrypt(bytesOf(payload), device);
    const headers = {
      authorization: await vapid.authorize(device.endpoint),
      "content-encoding": "aes128gcm",
      "content-type": "application/octet-stream",
      ttl: String(TTL_S),
      topic,
      urgency,
    };
    const { status, retryAfter } = await post(device.endpoint, headers, body);
    const retryMs = readRetryAfter(retryAfter, { now: clock.now(), mostMs: RETRY_MAX_MS });
    if (status >= 200 && status < 300) return "sent";
    if (status === 404 || status === 410) return "gone";
    if (status === 413) return "too_large";
    if (status === 429) return { retryMs, isDown: false };
    if (status >= 500) return { retryMs, isDown: true };
    return "refused";
  } catch {
    return { retryMs: undefined, isDown: true };
  }
}
