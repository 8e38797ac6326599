import { type Ack, type Chat, ChatError, createSubject, type Room } from "../../client/index.ts";
import { isBlank } from "../../protocol/blank.ts";
import { createAddressing } from "../mentions/addressing.ts";
import { words } from "../words/language.ts";
import { faultText } from "../words/problems.ts";
import type { Attachment, Draft, Drafts, Editing } from "./drafts.ts";
import { lengthOf } from "./length.ts";
import type { Refusals, Refused } from "./refusals.ts";
import type { Sendings } from "./sendings.ts";
import type { Kind, ShownThread, Talk, TalkState } from "./talkstate.ts";
import { uuid } from "./uuid.ts";

export type { Kind, ShownThread, Talk, TalkState } from "./talkstate.ts";

interface TalkParts {
  readonly chat: Chat;
  readonly room: Room;
  readonly drafts: Drafts;
  readonly refusals: Refusals;
  /** The first message of a thread, whose room `room` is then. */
  readonly thread?: number | undefined;
  readonly sendings: Sendings;
}

interface Resending {
  readonly files?: readonly Attachment[] | undefined;
  readonly clientId?: string | undefined;
  /** The person confirmed that it mentions everyone. */
  readonly notify?: boolean | undefined;
}

/** How much of a message that someone replies to is kept, in UTF-16 units. */
const QUOTE_MAX = 200;

const NONE: readonly Attachment[] = [];

export function createTalk({ chat, room, drafts, refusals, sendings, thread }: TalkParts): Talk {
  const place = thread === undefined ? room.name : `${room.name}#${thread}`;
  let { text, replyTo, editing, edit = "", files = NONE }: Draft = drafts.read(place) ?? { text: "" };
  let shown: ShownThread | undefined;
  let alsoRoom = false;
  const threads = new Map<number, Talk>();
  /** Texts of edits that were left for another one. */
  const unfinished = new Map<number | string | undefined, string>();
  let changing: ReadonlySet<number> = new Set();
  let notice: string | undefined;
  let asking: TalkState["asking"];
  let unreached: readonly string[] = [];
  const addressing = createAddressing(chat, room);
  const messageOf = (id: number | undefined) => room.snapshot().messages.find((message) => message.id === id);
  const source = createSubject<TalkState>(() => ({
    replyTo,
    editing,
    files,
    sending: sendings.snapshot().filter((one) => one.room === room.name && one.thread === thread),
    refused: refusals
      .of(room.name)
      .filter((one) => one.clientId !== editing?.clientId && one.thread === thread),
    shown,
    alsoRoom,
    elsewhere: [...new Set(refusals.snapshot().map((one) => one.room))].filter((name) => name !== room.name),
    changing,
    notice,
    asking,
    unreached,
  }));

  const isEmpty = () => text === "" && !replyTo && !editing && files.length === 0;
  const keep = () => {
    const draft = { text, replyTo, editing, ...(editing && { edit }), ...(files.length > 0 && { files }) };
    drafts.keep(place, isEmpty() ? undefined : draft);
  };
  const changed = () => {
    keep();
    source.changed();
  };
  const tell = (what: string | undefined) => {
    notice = what;
    source.changed();
  };
  const fail = (what: (why: string) => string) => (error: unknown) => tell(what(faultText(error)));

  /** The event `settled` reports the outcome to the refusals. */
  const hand = (work: Promise<unknown>, refused: (error: ChatError) => void) =>
    work.catch((error: unknown) => {
      // This one never was in the outbox.
      if (error instanceof ChatError && error.code === "outbox_full") refused(error);
    });

  const during = (id: number, work: Promise<unknown>) => {
    changing = new Set([...changing, id]);
    tell(undefined);
    void work.finally(() => {
      changing = new Set([...changing].filter((other) => other !== id));
      source.changed();
    });
  };

  /** Says whom a committed message did not reach. */
  const acked = (ack: Ack) => {
    if (!ack.unreached) return;
    ({ unreached } = ack);
    source.changed();
  };
  const send = (
    content: string,
    to: number | undefined,
    also: boolean,
    { clientId = uuid(), notify = false, files = NONE }: Resending = {},
  ) => {
    const options = {
      clientId,
      ...(to !== undefined && { replyTo: to }),
      ...(also && { alsoRoom: true as const }),
      ...addressing.options(content, undefined, notify),
    };
    if (files.length > 0) {
      const message = { room: room.name, content, thread, ...options, files };
      return void sendings.load().then(
        (outgoing) => outgoing.send(message),
        () => refusals.add({ type: "send", ...message }, new ChatError("unreachable", ""), files),
      );
    }
    void hand(room.send(content, options).then(acked), (error) =>
      refusals.add({ type: "send", room: room.name, content, thread, ...options }, error),
    );
  };
  const revise = (id: number, content: string, clientId = uuid(), notify = false) => {
    const options = { clientId, ...addressing.options(content, messageOf(id), notify) };
    return during(
      id,
      hand(room.edit(id, content, options).then(acked), (error) =>
        refusals.add({ type: "edit", room: room.name, id, content, ...options }, error),
      ),
    );
  };
  /** With the same text it keeps its id, so that it is committed once, whatever became of the first attempt. */
  const resend = (one: Refused, content = one.content, notify = false) => {
    const clientId = content === one.content ? one.clientId : undefined;
    const { files } = one;
    if (one.edits === undefined)
      send(content, one.replyTo, one.alsoRoom === true, { clientId, notify, files });
    else revise(one.edits, content, clientId, notify);
  };

  /** `isLeft`: the edit in progress can be continued later. */
  const begin = (next: Editing | undefined, isLeft = next !== undefined) => {
    if (editing && isLeft && edit !== editing.was) unfinished.set(editing.id ?? editing.clientId, edit);
    editing = next;
    const key = next?.id ?? next?.clientId;
    edit = unfinished.get(key) ?? next?.was ?? "";
    unfinished.delete(key);
    changed();
  };

  const offs = [refusals.subscribe(source.changed), sendings.subscribe(source.changed)];
  const left = (value: string) => (chat.snapshot().limits?.messageChars ?? Infinity) - lengthOf(value.trim());

  const say = (kind: Kind, value: string, notify?: boolean): boolean => {
    const content = value.trim();
    const isBare = kind === "draft" ? files.length > 0 : editing?.bare;
    if ((isBlank(content) && !isBare) || left(content) < 0) return false;
    if (
      notify === undefined &&
      addressing.asks(content, kind === "edit" ? messageOf(editing?.id) : undefined)
    ) {
      asking = { kind, text: value };
      void addressing.known.load().then(source.changed);
      source.changed();
      return false;
    }
    asking = undefined;
    if (kind === "draft") {
      // After a restore of the server, the id may be another message's.
      const there = messageOf(replyTo?.id);
      const to = there && there.clientId !== replyTo?.clientId ? undefined : replyTo?.id;
      send(isBlank(content) ? "" : content, to, alsoRoom, { notify, files });
      alsoRoom = false;
      text = "";
      replyTo = undefined;
      files = NONE;
      changed();
      return true;
    }
    if (!editing) return false;
    const { id, clientId, was } = editing;
    if (clientId !== undefined) {
      const one = refusals.take(clientId);
      if (one) resend(one, content, notify);
      else tell(words.outcome.dealtWith);
      if (!one) return false;
    } else if (id !== undefined && content !== was) revise(id, content, uuid(), notify);
    begin(undefined);
    return true;
  };

  return {
    room,
    addressing,
    me: () => chat.snapshot().me?.id,
    answer(notify) {
      const { kind, text } = asking ?? {};
      asking = undefined;
      source.changed();
      if (kind && text !== undefined && notify !== undefined) say(kind, text, notify);
    },
    reached() {
      unreached = [];
      source.changed();
    },
    snapshot: source.snapshot,
    subscribe: source.subscribe,
    text: (kind) => (kind === "edit" ? edit : text),
    write(kind, value) {
      if (kind === "edit") edit = value;
      else text = value;
      keep();
    },
    left,
    say: (kind, value) => say(kind, value),
    reply(message) {
      if (!message) replyTo = undefined;
      else {
        const { id, clientId, username, user, content } = message;
        // Without the placeholders of pictures, which are long.
        const files = message.files?.map(({ name, type, width, height }) => ({
          name,
          type,
          width,
          height,
        }));
        replyTo = { id, clientId, username, user, content: content.slice(0, QUOTE_MAX), files };
      }
      begin(undefined, true);
    },
    edit: (one) =>
      begin({
        ...("error" in one ? { clientId: one.clientId } : { id: one.id }),
        was: one.content,
        ...(one.files && { bare: true }),
      }),
    stopEditing: () => begin(undefined),
    adopt() {
      if (!isEmpty()) return;
      void drafts.adopt(place, (found) => {
        if (!isEmpty()) return false;
        ({ text, replyTo, editing, edit = "", files = NONE } = found);
        changed();
        return true;
      });
    },
    again(one) {
      const there = refusals.take(one.clientId);
      if (there) resend(there);
    },
    discard: (one) => refusals.take(one.clientId) !== undefined,
    withdraw(clientId) {
      const late = () => tell(words.outcome.onItsWay);
      if (!room.withdraw(clientId))
        sendings.load().then((outgoing) => outgoing.cancel(clientId) || late(), late);
    },
    remove: (id) => during(id, room.delete(id).catch(fail(words.outcome.notDeleted))),
    react: (id, emoji, on) => void room.react(id, emoji, on).catch(fail(words.outcome.noReaction)),
    saved: chat.saved,
    attempt: (work, what) => void work.catch(fail(what)),
    tell,
    quiet: () => tell(undefined),
    thread,
    threads: chat.threads,
    show(next) {
      shown = next;
      source.changed();
    },
    inThread(root) {
      const found = room.thread(root);
      const inside: Room = { ...room, ...found, markUnread: room.markUnread, thread: room.thread };
      const talk =
        threads.get(root) ?? createTalk({ chat, room: inside, drafts, refusals, sendings, thread: root });
      threads.set(root, talk);
      return talk;
    },
    sayInRoom(on) {
      alsoRoom = on;
      source.changed();
    },
    attach(change) {
      files = change(files);
      changed();
    },
    fileMax() {
      const { limits } = chat.snapshot();
      return limits ? limits.fileBytes : Infinity;
    },
    sendings,
    close() {
      for (const off of offs) off();
      for (const talk of threads.values()) talk.close();
    },
  };
}
