import { type Clock } from "../clock.ts";
import { PUSH, type PushNews, type PushNoter } from "../store/pushnews.ts";
import type { Consumer } from "./consumer.ts";

/** Notes whose devices are to be told of new messages. Sending them is another matter, so a push service never delays it. */
export const pushConsumer = (noter: PushNoter, clock: Clock): Consumer<PushNews> => ({
  name: PUSH,
  read: ({ roomId }, after) => noter.read(roomId, after),
  async handle({ roomId }, { posts, deleted }) {
    if (deleted.length > 0) await noter.withdraw(roomId, deleted);
    for (let after: number | null = 0; posts.length > 0 && after !== null;) {
      const begun = clock.monotonic();
      after = await noter.note(roomId, posts, after);
      // The members of a large room take half of the time at most, so that commits have the other half.
      const ms = clock.monotonic() - begun;
      if (after !== null) await new Promise<void>((resolve) => void clock.after(ms, resolve));
    }
  },
});
