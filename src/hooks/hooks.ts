import type { Clock } from "../clock.ts";
import { invalid, Refusal } from "../errors.ts";
import { FAULTS, type Outbound } from "../outbound/outbound.ts";
import type { Order } from "../order.ts";
import type { CursorStore } from "../store/cursors.ts";
import type { HookReading } from "../store/hookreading.ts";
import {
  type ActiveHook,
  type Attempt,
  type Hook,
  HOOKS_MAX,
  type HookSettings,
  type HookStore,
  type KeptAttempt,
} from "../store/hooks.ts";
import { cursorsOf } from "./hookconsumer.ts";
import { batchBody, pingBody, wantedOf } from "./payload.ts";
import type { HooksRunning } from "./running.ts";
import type { Sending } from "./sending.ts";
import { newSecret } from "./signing.ts";

export { type Attempt, type Hook, HOOK_CHANGES, HOOK_STATES } from "../store/hooks.ts";

export interface Hooks {
  all(): Promise<readonly Hook[]>;
  /** @throws {Refusal} not_found. */
  get(id: string): Promise<Hook>;
  /**
   * Creates a hook, which gets everything that is committed from now on. Nothing else ever returns the secret.
   * @throws {Refusal} invalid.
   */
  create(
    hook: Pick<Hook, "rooms"> & HookSettings,
    order: Order,
  ): Promise<{ readonly hook: Hook; readonly secret: string }>;
  /** @throws {Refusal} not_found, invalid. */
  change(id: string, change: HookWish, order: Order): Promise<Hook>;
  /** @throws {Refusal} not_found. */
  remove(id: string, order: Order): Promise<void>;
  /** Replaces the secret. The one before signs too for so long, in milliseconds. @throws {Refusal} not_found. */
  rotate(
    id: string,
    overlapMs: number,
    order: Order,
  ): Promise<{ readonly hook: Hook; readonly secret: string }>;
  /** Sends something that says nothing. @throws {Refusal} not_found. */
  ping(id: string): Promise<Attempt>;
  /** The latest attempts, the latest first. @throws {Refusal} not_found. */
  attempts(id: string): Promise<readonly KeptAttempt[]>;
  /** Sends again what an attempt was about, as it is now, with the same `webhook-id`. @throws {Refusal} not_found. */
  resend(id: string, attempt: number): Promise<Attempt>;
}

/** What somebody changes about a hook. */
export type HookWish = Partial<HookSettings> & {
  readonly state?: "on" | "paused" | undefined;
  /** Whether it continues at the present end of each room instead of where it stopped. */
  readonly skip?: boolean | undefined;
};

export interface HooksParts {
  readonly store: HookStore;
  readonly cursors: CursorStore;
  readonly reading: HookReading;
  readonly sending: Sending;
  readonly running: Pick<HooksRunning, "refresh">;
  readonly outbound: Pick<Outbound, "inspect">;
  readonly clock: Clock;
}

export function createHooks(parts: HooksParts): Hooks {
  const { store, cursors, reading, sending, running, outbound, clock } = parts;
  const now = () => new Date(clock.now()).toISOString();

  const known = async (id: string): Promise<ActiveHook> => {
    const hook = await store.get(id);
    if (!hook) throw noSuchHook();
    return hook;
  };
  const shown = async (id: string): Promise<Hook> => {
    const { secrets: _, ...hook } = await known(id);
    return hook;
  };
  const inspect = (url: string | undefined) => {
    const fault = url === undefined ? undefined : outbound.inspect(url);
    if (fault) throw invalid({ url: [FAULTS[fault]] });
  };
  const found = (wasFound: boolean) => {
    if (!wasFound) throw noSuchHook();
  };
  /** Lets a hook begin at the present end of each room. */
  const begin = async (id: string, rooms: readonly string[]) => {
    for (let after: number | null = 0; after !== null;)
      after = await cursors.begin(cursorsOf(id), after, rooms);
  };

  const attempt = async (...sent: Parameters<Sending["attempt"]>) => (await sending.attempt(...sent)).attempt;

  return {
    all: async () => (await store.all()).map(({ secrets: _, ...hook }) => hook),
    get: shown,

    async create({ rooms, ...settings }, order) {
      inspect(settings.url);
      const id = crypto.randomUUID();
      const secret = newSecret();
      if (!(await store.create({ id, rooms, ...settings }, secret, order)))
        throw new Refusal("invalid", {
          detail: `There are ${HOOKS_MAX} hooks, the most there can be. Delete one first.`,
        });
      await begin(id, rooms);
      await store.setState(id, "on", null);
      await running.refresh();
      return { hook: await shown(id), secret };
    },

    async change(id, { state, skip, ...settings }, order) {
      inspect(settings.url);
      const hook = await known(id);
      if (skip === true && (hook.state === "on" || state !== "on"))
        throw invalid({ skip: ["is possible only when a hook that is not on is turned on"] });
      found(await store.change(id, settings, order));
      if (skip === true) await begin(id, hook.rooms);
      if (state !== undefined) await store.setState(id, state, null, order);
      if (state === "on") await cursors.hurry(cursorsOf(id));
      await running.refresh();
      return shown(id);
    },

    async remove(id, order) {
      found(await store.remove(id, order));
      await running.refresh();
    },

    async rotate(id, overlapMs, order) {
      const secret = newSecret();
      found(await store.rotate(id, secret, overlapMs, order));
      await running.refresh();
      return { hook: await shown(id), secret };
    },

    async ping(id) {
      const hook = await known(id);
      const webhook = `msg_${crypto.randomUUID()}`;
      return attempt(hook, { webhook, batch: null, changes: 0, body: pingBody(now()) });
    },

    async attempts(id) {
      await known(id);
      await sending.kept();
      return store.attempts(id);
    },

    async resend(id, attemptId) {
      const hook = await known(id);
      await sending.kept();
      const before = (await store.attempts(id)).find((one) => one.id === attemptId);
      if (!before) throw new Refusal("not_found", { detail: "There is no such attempt, or not any more." });
      const { webhook, batch } = before;
      if (!batch) return attempt(hook, { webhook, batch, changes: 0, body: pingBody(now()) });
      const { room, after, upto } = batch;
      const roomId = await reading.roomId(room);
      const messages = roomId === undefined ? [] : (await reading.read(roomId, after, upto)).messages;
      const changes = wantedOf(hook, room, after, messages);
      const body = batchBody(batch, changes, now());
      return attempt(hook, { webhook, batch, changes: changes.length, body });
    },
  };
}

const noSuchHook = () => new Refusal("not_found", { detail: "There is no such hook. See GET /hooks/." });
