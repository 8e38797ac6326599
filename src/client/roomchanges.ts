import { type FileBytes, type MessageFile, type OutgoingFile, waitingFile } from "./attachments.ts";
import type { Data, Role } from "./message.ts";
import type { Ack, ChangeFields, MemberChange, RoomSettings } from "./change.ts";

export interface ChangeOptions {
  /** The UUID of the change. Defaults to a random one. */
  readonly clientId?: string;
  /** Gives up the change. If it is in flight, it may be committed nevertheless. */
  readonly signal?: AbortSignal;
}
export interface SendOptions extends ChangeOptions {
  /** The id of the message that this one replies to. */
  readonly replyTo?: number;
  /** Whom it mentions: ids, or `@` and usernames, at most 50. The text alone mentions nobody. */
  readonly mentions?: readonly string[] | undefined;
  /** Whether it mentions everyone in the room. */
  readonly everyone?: boolean | undefined;
  /** The first message of the thread that this one replies in. */
  readonly thread?: number | undefined;
  /** With `thread`: whether it is part of the room's main conversation too. */
  readonly alsoRoom?: boolean | undefined;
  readonly data?: Data | undefined;
  /**
   * At most 10 files: what `upload` returned, or files that the outbox uploads first. The message keeps its place in the order
   * meanwhile, so later changes of the room wait for it.
   */
  readonly files?: readonly (FileBytes | OutgoingFile | MessageFile)[] | undefined;
}
export interface EditOptions extends ChangeOptions {
  /** Replaces the message's data; null takes it away. Without it, the message keeps what it has. */
  readonly data?: Data | null | undefined;
  /** Replaces whom the message mentions. Without it, the message keeps its mentions. */
  readonly mentions?: readonly string[] | undefined;
  readonly everyone?: boolean | undefined;
}
export interface AddOptions extends ChangeOptions {
  /** Defaults to `member`. */
  readonly role?: Role;
}
export interface MuteOptions extends ChangeOptions {
  /** When the mute ends, ISO 8601. Without it, it lasts until `unmute`. */
  readonly until?: string;
}

/**
 * What one can change in a room. Each change waits in the outbox for its outcome, across all disconnections, in the order of
 * the calls. A `user` is a person's id, or `@` and their username.
 */
export interface RoomChanges {
  /** Posts a message. Resolves once it is committed, however often the connection breaks. @throws {ChatError} */
  send(content: string, options?: SendOptions): Promise<Ack>;
  /** Changes the text of a message of this person. @throws {ChatError} */
  edit(id: number, content: string, options?: EditOptions): Promise<Ack>;
  /** Deletes a message; a tombstone stays. Those of others need the right to moderate. @throws {ChatError} */
  delete(id: number, options?: ChangeOptions): Promise<Ack>;
  /** Adds a reaction, or removes it if `on` is false. @throws {ChatError} */
  react(id: number, emoji: string, on?: boolean, options?: ChangeOptions): Promise<Ack>;
  /** Adds someone to the room. @throws {ChatError} */
  add(user: string, options?: AddOptions): Promise<Ack>;
  /** Removes someone from the room. @throws {ChatError} */
  remove(user: string, options?: ChangeOptions): Promise<Ack>;
  setRole(user: string, role: Role, options?: ChangeOptions): Promise<Ack>;
  /** Takes someone's right to post. @throws {ChatError} */
  mute(user: string, options?: MuteOptions): Promise<Ack>;
  unmute(user: string, options?: ChangeOptions): Promise<Ack>;
  /** Removes someone, and keeps them out until `unban`. @throws {ChatError} */
  ban(user: string, options?: ChangeOptions): Promise<Ack>;
  unban(user: string, options?: ChangeOptions): Promise<Ack>;
  /** Changes the room itself: its title, or who may add people. What is absent stays as it is. @throws {ChatError} */
  update(settings: RoomSettings, options?: ChangeOptions): Promise<Ack>;
}

/** `change` hands a change to the outbox. */
export function createChanges(
  change: (fields: ChangeFields, options?: ChangeOptions) => Promise<Ack>,
): RoomChanges {
  const member =
    (set: MemberChange["set"]) =>
    (user: string, options: AddOptions & MuteOptions = {}) => {
      const { role, until, ...more } = options;
      return change({ type: "member", user, set, role, until }, more);
    };

  return {
    send: (content, { data, replyTo, thread, alsoRoom, files, mentions, everyone, ...more } = {}) =>
      change(
        {
          type: "send",
          content,
          data,
          replyTo,
          thread,
          alsoRoom: alsoRoom || undefined,
          files: files?.length ? files.map(waitingFile) : undefined,
          mentions,
          everyone,
        },
        more,
      ),
    edit: (id, content, { data, mentions, everyone, ...more } = {}) =>
      change({ type: "edit", id, content, data, mentions, everyone }, more),
    delete: (id, more) => change({ type: "delete", id }, more),
    react: (id, emoji, on = true, more) => change({ type: "react", id, emoji, on }, more),
    add: member("in"),
    remove: member("out"),
    setRole: (user, role, more) => member("role")(user, { ...more, role }),
    mute: member("muted"),
    unmute: member("unmuted"),
    ban: member("banned"),
    unban: member("unbanned"),
    update: (settings, more) => change({ ...settings, type: "room" }, more),
  };
}
