import type { Budgets, Spender } from "../../budgets.ts";
import { invalid, Refusal, refusalOf } from "../../errors.ts";
import type { Message } from "../../message.ts";
import { textFault } from "../../protocol/text.ts";
import type { Pass } from "../pass.ts";
import { type Change, sign, type Submission } from "../change.ts";
import type { Answer, Committer } from "../room/committer.ts";
import type { Rooms } from "../room/rooms.ts";

/**
 * The only way into a room for a change, whichever transport brings it and has paid for it. Checks its length, and whether
 * its sender may create the room, then hands it to the committer. Calls `answer` once, with the ack or a refusal:
 * `invalid`, `rate_limited` or the committer's.
 */
export type Submit = (pass: Pass<"post">, submission: Submission, answer: Answer) => void;

/** A change costs one more for each of these bytes of text, data and reactions, because everyone in the room gets all of them. */
const BYTES_EACH = 4096;

interface SubmitParts {
  readonly budgets: Pick<Budgets, "wait" | "charge" | "refused">;
  readonly committer: Pick<Committer, "submit">;
  readonly rooms: Pick<Rooms, "isOpen" | "counter">;
  /** The longest message, in characters. */
  readonly messageChars: number;
}

export function createSubmit({ budgets, committer, rooms, messageChars }: SubmitParts): Submit {
  /**
   * Commits a change and charges for its size, which is known only then: the smallest reaction delivers its whole message.
   * So one person cannot send more to a room than slow lines carry.
   */
  const commit = (change: Change, sender: Spender, answer: Answer) =>
    committer.submit(change, (outcome, state) => {
      const more = state ? unitsBesides(state) : 0;
      if (more > 0) budgets.charge("messages", sender, more);
      answer(outcome);
    });

  /** Posts under way that may create their rooms, by sender and room. Those to one room cost their sender one room together. */
  const openings = new Map<string, { underWay: number; created: boolean }>();

  /** Submits a post that may create its room, which then costs the sender. */
  const open = (change: Change, room: string, sender: Spender, answer: Answer) => {
    const key = `${sender.userId} ${room}`;
    const known = openings.get(key);
    const wait = known ? 0 : budgets.wait("rooms", sender);
    if (wait > 0) return ifCreated(change, room, sender, wait, answer);
    if (!known) budgets.charge("rooms", sender, 1);
    const opening = known ?? { underWay: 0, created: false };
    openings.set(key, opening);
    opening.underWay++;
    commit(change, sender, (outcome) => {
      opening.created ||= !(outcome instanceof Refusal) && outcome.id === 1 && !outcome.duplicate;
      if (--opening.underWay === 0) {
        openings.delete(key);
        if (!opening.created) budgets.charge("rooms", sender, -1);
      }
      answer(outcome);
    });
  };

  /** Submits a post whose sender may not create rooms now. */
  const ifCreated = (change: Change, room: string, sender: Spender, wait: number, answer: Answer) => {
    rooms.counter(room).then(
      (counter) => {
        if (counter > 0) return commit(change, sender, answer);
        budgets.refused("rooms");
        answer(new Refusal("rate_limited", { retryAfterMs: wait }));
      },
      (error: unknown) => answer(refusalOf(error)),
    );
  };

  return ({ person, room }, submission, answer) => {
    const fault = "content" in submission && textFault(submission.content, { max: messageChars });
    if (fault) return answer(invalid({ content: [fault] }));
    const change = sign(submission, room, person);
    if (change.kind === "post" && !rooms.isOpen(room)) open(change, room, person, answer);
    else commit(change, person, answer);
  };
}

/** The most bytes of one UTF-16 code unit in UTF-8. */
const UNIT = 3;

/** What a change costs besides the unit that its sender has paid. Most messages are too short to be measured. */
function unitsBesides({ content, data, reactions }: Message): number {
  const text = data === null ? content : content + data;
  if (reactions.length === 0 && text.length * UNIT < BYTES_EACH) return 0;
  const reacted = reactions.length > 0 ? Buffer.byteLength(JSON.stringify(reactions)) : 0;
  return Math.floor((Buffer.byteLength(text) + reacted) / BYTES_EACH);
}
