import type { Behaviour } from "./behaviour.ts";
import { following } from "./following.ts";
import { rooms } from "./rooms.ts";
import { sending } from "./sending.ts";
import { type House, Scene } from "./stage.ts";
import { staying } from "./staying.ts";

/** What docs/CLIENTS.md lists, by its headings. */
export const SUITE: Readonly<Record<string, readonly Behaviour[]>> = {
  Sending: sending,
  "Following a room": following,
  "Staying connected": staying,
  "People and rooms": rooms,
};

/** How many run at the same time. Most of the time they wait. */
const AT_ONCE = 8;
/** How long one may take, in milliseconds. */
const LIMIT_MS = 120_000;
let running = 0;
const queue: (() => void)[] = [];

/** Shows a behaviour with the client that `command` starts. @throws if the client does not have it. */
export async function perform({ strict, run }: Behaviour, house: House, command: readonly string[]) {
  if (running >= AT_ONCE) await new Promise<void>((turn) => queue.push(turn));
  else running++;
  const scene = new Scene(house, command, strict);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const limit = setTimeout(() => {
    reject(new Error(`not shown within ${LIMIT_MS / 1_000} seconds; without a reply: ${scene.unanswered()}`));
  }, LIMIT_MS);
  try {
    await Promise.race([run(scene), late]);
  } finally {
    clearTimeout(limit);
    await scene.close();
    const next = queue.shift();
    if (next) next();
    else running--;
  }
}
