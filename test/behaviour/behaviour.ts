import assert from "node:assert/strict";
import { type Driver, Failed, until } from "./driver.ts";
import type { Fate, Frame } from "./gateway.ts";
import type { Scene } from "./stage.ts";

/** Something that every client does. */
export interface Behaviour {
  /** A sentence, which docs/CLIENTS.md repeats. */
  readonly title: string;
  /** Whether the server takes only a few messages a second. */
  readonly strict?: boolean;
  run(scene: Scene): Promise<void>;
}

/** Waits until the client shows exactly what the server has. */
export async function same(scene: Scene, driver: Driver): Promise<void> {
  await driver.until(scene.room, { room: "live", waiting: 0 });
  const truth = await scene.truth();
  const last = truth.at(-1)?.version;
  await until(async () => {
    const shown = await driver.call("entries", { room: scene.room });
    return shown.length >= truth.length || shown.at(-1)?.version === last;
  });
  assert.deepEqual(await driver.call("entries", { room: scene.room }), truth);
}

/** Resolves with "done", or with the code of the client's error. */
export async function outcome(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "done";
  } catch (error) {
    if (error instanceof Failed) return error.code;
    throw error;
  }
}

/** Returns a rule that applies to the first `times` frames that match. */
export function first(times: number, matches: (frame: Frame) => boolean, fate: (frame: Frame) => Fate) {
  let left = times;
  const rule = (frame: Frame): Fate => {
    if (left === 0 || !matches(frame)) return [frame];
    left--;
    return fate(frame);
  };
  return Object.assign(rule, { met: () => left === 0 });
}

export const isType = (type: string) => (frame: Frame) => frame.type === type;
/** Whether a frame is the reply to a `send`. */
export const isAck = (frame: Frame) => frame.type === "ok" && "timestamp" in frame;
export const cut = (): Fate => "cut";

/** Frames of this type that the client sent. */
export const sent = ({ gateway }: Scene, type: string) =>
  gateway.frames.filter(({ way, frame }) => way === "up" && frame.type === type);

/** Holds the client away while `meanwhile` runs. */
export async function away(scene: Scene, driver: Driver, meanwhile: () => Promise<unknown>): Promise<void> {
  scene.proxy.hold();
  scene.proxy.cut();
  await until(async () => (await driver.call("state", {})).connection === "away");
  await meanwhile();
  scene.proxy.release();
}
