import { type Budgets, ownerOf, type Spender } from "../../budgets.ts";
import { invalid, Refusal, refusalOf } from "../../errors.ts";
import type { Message } from "../../message.ts";
import { actorOf, type Order } from "../../order.ts";
import type { MemberSetting } from "../../protocol/membership.ts";
import { EVERYONE_COSTS } from "../../protocol/mentions.ts";
import { textFault } from "../../protocol/text.ts";
import { type Identity, SYSTEM_ID } from "../../identity.ts";
import type { Pass } from "../pass.ts";
import { type Change, type Decree, type Draft, NO_FENCE, rule, sign, type Submission } from "../change.ts";
import type { MessageStore } from "../ports.ts";
import type { Action } from "../rights.ts";
import { AccessDenied } from "./access.ts";
import type { People } from "./people.ts";
import type { Answer, Committer } from "../room/committer.ts";
import { saysMentions } from "../room/mentioning.ts";
import type { Rooms } from "../room/rooms.ts";
import type { Screening } from "./screening.ts";

/** What a transport sends to change a room. */
export type Wish = Submission | Decree;

/** Where a person's changes come from. */
export type Origin = Pick<Order, "via" | "address">;

/** Who wants to change a room, as their transport lets them in. */
export interface Sender {
  readonly identity: Identity;
  /** Where their changes come from, for the audit of what moderators do. */
  readonly origin?: Origin | undefined;
  /** @throws {AccessDenied}; {@link Refusal} `unavailable`, also as a rejection. */
  enter<A extends Action>(room: string, action: A): Pass<A> | Promise<Pass<A>>;
}

/**
 * The only way into a room for a change, whichever transport brings it and has paid for it. Checks access, its length, and
 * whether its sender may create the room, then hands it to the committer. Calls `answer` once, with the ack or a refusal.
 *
 * If access refuses it, but it had been committed before, it gets its first ack: a retry gets its ack although its sender
 * may have lost every right since. Strangers to the room only get the refusal, so that they learn nothing.
 */
export type Submit = (sender: Sender, room: string, wish: Wish, answer: Answer) => Promise<void> | void;

/** A change costs one more for each of these bytes of text, data, files and reactions, because everyone in the room gets all of them. */
const BYTES_EACH = 4096;

interface SubmitParts {
  readonly budgets: Pick<Budgets, "wait" | "charge" | "refused" | "spend" | "limits">;
  readonly committer: Pick<Committer, "submit">;
  readonly store: Pick<MessageStore, "answered">;
  readonly rooms: Pick<Rooms, "isOpen" | "counter">;
  readonly people: Pick<People, "mentioned">;
  /** Absent: nobody is asked about messages before they are committed. */
  readonly screening?: Pick<Screening, "hold"> | undefined;
  /** The longest message, in characters. */
  readonly messageChars: number;
}

export function createSubmit({
  budgets,
  committer,
  store,
  rooms,
  people,
  screening,
  messageChars,
}: SubmitParts): Submit {
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
    const key = `${ownerOf(sender)} ${room}`;
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

  const submit = (
    pass: Pass<WishAction>,
    wish: Wish,
    origin: Origin | undefined,
    answer: Answer,
  ): Promise<void> | void => {
    const { person, room, membership } = pass;
    const isText = wish.kind === "post" && !wish.files;
    const fault = "content" in wish && textFault(wish.content, { min: isText ? 1 : 0, max: messageChars });
    if (fault) return answer(invalid({ content: [fault] }));
    // Whether somebody sees what they reply to is decided under the room's lock. That is rare: only `from` hides messages.
    const isHidden = wish.kind === "post" && wish.replyTo !== null && wish.replyTo < membership.from;
    const fence = isHidden ? NO_FENCE : membership.fence;
    const enter = (change: Change, reply: Answer) => {
      const mayCreate = change.kind === "post" && !membership.exists && !rooms.isOpen(room);
      if (mayCreate) open(change, room, person, reply);
      else commit(change, person, reply);
    };
    const prepare = (some: Wish) =>
      (some.kind !== "post" && some.kind !== "edit") || !saysMentions(some)
        ? signed(some, room, person, fence, origin)
        : people
            .mentioned(some.mentions ?? [], person)
            .then((mentioned) => sign(some, room, person, fence, mentioned));
    if ((wish.kind === "post" || wish.kind === "edit") && saysMentions(wish)) {
      // A server with small budgets may have one that is less than what a message can cost.
      const units = Math.min(mentionUnits(wish), budgets.limits.mentions?.burst ?? Infinity);
      const wait = budgets.spend("mentions", person, units);
      if (wait > 0) return answer(new Refusal("rate_limited", { retryAfterMs: wait }));
    }
    if (screening?.hold({ pass, wish, prepare, enter, answer })) return undefined;
    const change = prepare(wish);
    if (!(change instanceof Promise)) return enter(change, answer);
    return change.then(
      (ready) => enter(ready, answer),
      (error: unknown) => answer(refusalOf(error)),
    );
  };

  const refuse = (refusal: AccessDenied, person: Identity, room: string, wish: Wish, answer: Answer) => {
    if (!refusal.isKnown) return answer(refusal);
    store.answered(signed(wish, room, person, 0)).then(
      (outcome) => {
        if (!outcome) answer(refusal);
        else answer("refused" in outcome ? new Refusal(outcome.refused) : outcome.ack);
      },
      (error: unknown) => answer(refusalOf(error)),
    );
  };

  return (sender, room, wish, answer) => {
    const { identity, origin } = sender;
    const denied = (error: unknown) => {
      if (!(error instanceof AccessDenied)) throw error;
      refuse(error, identity, room, wish, answer);
    };
    let pass: Pass<WishAction> | Promise<Pass<WishAction>>;
    try {
      pass = sender.enter(room, actionFor(wish, identity));
    } catch (error) {
      return denied(error);
    }
    if (pass instanceof Promise) return pass.then((granted) => submit(granted, wish, origin, answer), denied);
    return submit(pass, wish, origin, answer);
  };
}

/** What the mentions of a change cost. */
export const mentionUnits = ({ mentions, everyone }: Pick<Draft, "mentions" | "everyone">): number =>
  (mentions?.length ?? 0) + (everyone === true ? EVERYONE_COSTS : 0);

/** What access has to allow for some change. */
type WishAction = Exclude<Action, "read" | "members" | "join" | "everyone">;

/** Returns what access has to allow for a change. The commit checks it again, and what else the change needs. */
function actionFor(wish: Wish, { userId }: Identity): WishAction {
  switch (wish.kind) {
    case "delete":
      return "retract";
    case "member":
      return wish.set === "out" && wish.users[0] === userId ? "leave" : MEMBER_ACTIONS[wish.set];
    case "pin":
      return "pin";
    case "room":
      return Object.keys(wish.set).every((key) => key === "title" || key === "topic") ? "describe" : "govern";
    default:
      return "post";
  }
}

const MEMBER_ACTIONS = {
  in: "add",
  out: "remove",
  banned: "ban",
  unbanned: "ban",
  muted: "mute",
  unmuted: "mute",
  role: "govern",
} as const satisfies Record<MemberSetting, WishAction>;

function signed(wish: Wish, room: string, person: Identity, fence: number, origin?: Origin): Change {
  if (wish.kind === "post") return sign(wish, room, person, fence);
  const isServer = person.userId === SYSTEM_ID;
  const order = origin && (isServer || isModeration(wish, person)) ? orderOf(person, origin) : undefined;
  if (wish.kind === "member" || wish.kind === "room" || wish.kind === "pin")
    return rule(wish, room, person, order ?? null);
  return sign(wish.kind === "delete" && order ? { ...wish, order } : wish, room, person, fence);
}

/** Whether the audit records a change, unless the person turns out to act on what is their own. */
function isModeration(wish: Wish, { userId }: Identity): boolean {
  if (wish.kind === "member") return wish.set !== "in" && wish.users[0] !== userId;
  return wish.kind === "delete" || (wish.kind === "room" && wish.set.archived !== undefined);
}

const orderOf = (person: Identity, { via, address }: Origin): Order => ({
  via,
  actor: actorOf(person),
  address,
  reason: "",
});

/** The most bytes of one UTF-16 code unit in UTF-8. */
const UNIT = 3;

/** What a change costs besides the unit that its sender has paid. Most messages are too short to be measured. */
function unitsBesides({ content, data, files, reactions }: Message): number {
  const text = data === null && files === null ? content : content + (data ?? "") + (files ?? "");
  if (reactions.length === 0 && text.length * UNIT < BYTES_EACH) return 0;
  const reacted = reactions.length > 0 ? Buffer.byteLength(JSON.stringify(reactions)) : 0;
  return Math.floor((Buffer.byteLength(text) + reacted) / BYTES_EACH);
}
