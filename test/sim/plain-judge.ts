import type { Post } from "../../src/chat/change.ts";
import type { Message } from "../../src/message.ts";
import { POISON } from "./database.ts";
import type { Served, SocketJudge } from "./judge.ts";
import type { Link } from "./link.ts";
import type { Window } from "./sight.ts";
import { summary, type Wire } from "./wire.ts";
import type { World } from "./world.ts";

/** Plain clients get messages with a text: neither tombstones nor notices. */
const isPlain = (message: Message | undefined) => message?.deletedAt === null && message.notice === null;

/** What plain clients see of a message: below its text the names of its files, and where they are. */
function textOf(room: string, { id, content, files }: Message): string {
  if (files === null) return content;
  const names = (JSON.parse(files) as { name: string }[]).map(({ name }) => name);
  return `${content}\n${names.join(", ")}: /#/room/${encodeURIComponent(room)}/${id}`;
}

interface Sent {
  readonly content: string;
  readonly clientId: string | undefined;
  readonly window: Window;
}

/** Checks the plain protocol on one socket: each post once, none skipped, and a result for each message sent. */
export function createPlainJudge(world: World, served: Served, link: Link): SocketJudge {
  const { database, sight } = world;
  const room = served.room ?? "";
  const { userId } = served.identity;
  const opened = sight.windowOf(room);
  let liveSince: number | undefined;
  const seen = new Set<number>();
  const waiting: Sent[] = [];
  /** Errors without a client id. */
  let nameless = 0;
  let last = 0;
  /** The room's counter when the subscription became live: everything after it is owed. */
  let begun: number | undefined;
  const epoch = database.epoch;

  const settle = (matches: (sent: Sent) => boolean, all: boolean) => {
    for (let index = waiting.length - 1; index >= 0; index--)
      if (matches(waiting[index] as Sent) && waiting.splice(index, 1) && !all) return;
  };

  const skipped = (to: number): number[] => {
    const { messages } = database.current(room);
    const from = Math.max(begun ?? to, sight.fromOf(userId, room) - 1);
    const missing: number[] = [];
    for (let id = from + 1; id <= to; id++) if (!seen.has(id) && isPlain(messages.get(id))) missing.push(id);
    return missing;
  };

  return {
    rooms: () => (liveSince === undefined ? [] : [[room, liveSince] as const]),
    received(text) {
      const { message, clientId } = JSON.parse(text) as { message: string; clientId?: string };
      waiting.push({ content: message, clientId, window: sight.windowOf(room) });
    },
    sent(wire: Wire) {
      const frame = wire.plain;
      if ("error" in frame) {
        const { code, retryable, clientId } = frame.error;
        const poisoned = waiting.some(({ content }) => content.includes(POISON));
        const refused = waiting.find((sent) => sent.clientId === clientId);
        const window = refused?.window ?? opened;
        const post: Post = {
          kind: "post",
          room,
          senderId: userId,
          username: served.identity.username,
          user: served.identity.user,
          clientId: clientId ?? "",
          content: "",
          replyTo: null,
          thread: null,
          data: null,
          fence: 0,
        };
        const justified =
          sight.mayRefuse(post, code, window) ||
          database.refused(post, code) ||
          (code === "invalid" && poisoned);
        if (!retryable && !justified) world.fail("a good message was refused for good", wire.text);
        if (clientId === undefined) nameless++;
        else settle((sent) => sent.clientId === clientId, false);
        return;
      }
      const states = database.posted(room, frame.id).filter((state) => state.clientId === frame.clientId);
      const contents = states.map(({ content }) => content);
      const texts = states.map((state) =>
        frame.duplicate === true ? [state.content, textOf(room, state)] : [textOf(room, state)],
      );
      const isOwn = frame.duplicate === true && frame.username === served.identity.username;
      const visible = states.some(
        (state) =>
          [state.content, textOf(room, state)].includes(frame.message) &&
          (isOwn ||
            [opened.epoch, database.epoch].some((epoch) => sight.maySee(userId, room, state, opened, epoch))),
      );
      if (!visible) world.fail("a plain message was shown to someone who may not see it", summary(wire.text));
      if (!texts.flat().includes(frame.message))
        world.fail("a plain message that the database does not have", summary(wire.text));
      settle(
        ({ clientId, content }) => clientId === frame.clientId || contents.includes(content),
        !frame.duplicate,
      );
      if (frame.duplicate) return;
      if (seen.has(frame.id)) world.fail("a plain message came twice", summary(wire.text));
      seen.add(frame.id);
      begun = Math.min(begun ?? frame.id - 1, frame.id - 1);
      if (frame.id < last) world.fail("a plain id did not rise", summary(wire.text));
      last = Math.max(last, frame.id);
    },
    subscribed() {
      liveSince ??= world.schedule.now;
      begun ??= database.current(room).log.length;
    },
    owed() {
      // A message that was deleted before it reached its sender is not echoed, but a repeat is answered.
      const left = waiting.filter(({ clientId, content }) => !database.isDeleted(room, clientId, content));
      const unanswered = [
        ...left.filter(({ clientId }) => clientId !== undefined),
        ...left.filter(({ clientId }) => clientId === undefined).slice(nameless),
      ];
      const owed = unanswered.map(({ content }) => `"${content.slice(0, 12)}" was not answered`);
      if (database.epoch !== epoch || link.topics.size === 0 || !sight.reads(userId, room)) return owed;
      const missing = skipped(database.current(room).log.length);
      return missing.length > 0 ? [...owed, `${room} ${missing.join(", ")} never came`] : owed;
    },
  };
}
