import { isGranted, type RoomAction, type RoomGrant } from "../../src/grants.ts";
import type { Identity } from "../../src/identity.ts";
import { EPOCH_MS } from "./schedule.ts";
import type { World } from "./world.ts";

/** The product of one person with the real client: it says where they may go, gives them tokens, and fails at times. */
export interface Product {
  /** The client's `tokens` function. */
  tokens(): Promise<string>;
  /** How often it was asked. */
  readonly asked: number;
  /** Whether the person may do something in a room now. */
  allows(room: string, action: RoomAction): boolean;
  /** Whether they have been allowed to do it ever since. */
  hasAllowed(room: string, action: RoomAction, since: number): boolean;
  /** Gives a right or takes one. Returns the room. */
  turn(): string;
  /** Gives no good token for so long. */
  fail(ms: number): void;
  /** When the client has given up the last call that hangs, in virtual milliseconds. */
  readonly freeAt: number;
}

const BOTH: readonly RoomAction[] = ["read", "post"];
/** What a person may do in a room, as it changes. Most rooms are open to them. */
const RIGHTS: readonly (readonly RoomAction[])[] = [BOTH, BOTH, ["read"], []];
/** How long the client waits for a token, in milliseconds. */
const PATIENCE_MS = 15_000;
const PAGE = "<html><h1>502 Bad Gateway</h1></html>";

/** The longest time that a product takes to give a token while it does not fail, in milliseconds. */
export const slowest = (lifeMs: number) => Math.min(lifeMs / 8, 1_500);

export function createProduct(name: string, person: () => Identity, world: World): Product {
  const { schedule, random, plan, note } = world;
  /** The rooms that are not wholly open to the person. */
  const limits = new Map<string, readonly RoomAction[]>();
  /** When what they may do in a room last changed. */
  const turned = new Map<string, number>();
  let failsUntil = 0;
  let asked = 0;
  let freeAt = 0;

  const allowed = (room: string) => (plan.claims ? (limits.get(room) ?? BOTH) : BOTH);

  const grants = (): readonly RoomGrant[] | null =>
    plan.claims ? world.places().map((match) => ({ match, allow: allowed(match) })) : null;

  const issue = (lifeMs: number) =>
    world.tokens.issue({ ...person(), expiresAt: EPOCH_MS + schedule.now + lifeMs, grants: grants() });

  const after = <T>(ms: number, make: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      schedule.after(ms, () => {
        try {
          resolve(make());
        } catch (error) {
          reject(error);
        }
      });
    });

  /** What it gives instead of a good token. Short tokens and calls that hang are left out while every closed socket counts. */
  const failure = (): Promise<string> => {
    const ms = random.between(0.5, 50);
    const kind = random.below(world.staying ? 5 : 7);
    note?.(`the product of ${name} fails (${kind})`);
    switch (kind) {
      case 0:
        return after(ms, () => PAGE);
      case 1:
        return after(ms, () => "");
      case 2:
        return after(ms, () => new Response(PAGE, { status: 502 }) as never);
      case 3:
        return after(ms, () => issue(-random.between(1, 10_000)));
      case 5:
        return after(ms, () => issue(random.between(300, 3_000)));
      case 6:
        freeAt = schedule.now + PATIENCE_MS;
        return new Promise(() => {});
      default:
        return after(ms, () => {
          throw new TypeError("fetch failed");
        });
    }
  };

  return {
    tokens() {
      asked++;
      if (schedule.now < failsUntil) return failure();
      const lifeMs =
        plan.shortTokens && plan.faulty
          ? random.between(500, 8_000)
          : plan.tokenLifeMs * random.between(0.9, 1);
      const ms = random.chance(0.2) ? random.between(1, slowest(plan.tokenLifeMs)) : random.between(0.5, 20);
      // The rights are those of the moment at which it was asked, or of a later one.
      const token = random.chance(0.5) ? issue(lifeMs) : undefined;
      return after(ms, () => token ?? issue(lifeMs));
    },
    get asked() {
      return asked;
    },
    get freeAt() {
      return freeAt;
    },
    allows: (room, action) => allowed(room).includes(action),
    hasAllowed: (room, action, since) => allowed(room).includes(action) && (turned.get(room) ?? -1) <= since,
    turn() {
      const room = random.pick(world.places());
      const rights = random.pick(RIGHTS);
      limits.set(room, rights);
      turned.set(room, schedule.now);
      note?.(`${name} may ${rights.join(" and ") || "do nothing"} in ${room}`);
      return room;
    },
    fail(ms) {
      failsUntil = schedule.now + ms;
      note?.(`the product of ${name} fails for ${ms.toFixed()} ms`);
    },
  };
}

/** Whether a token allows an action in a room. */
export const covers = ({ grants }: Identity, room: string, action: RoomAction): boolean =>
  grants === null || isGranted(grants, room, action);
