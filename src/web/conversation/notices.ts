import type { Notice } from "../../client/index.ts";
import type { Me } from "../parts/person.tsx";
import type { Named, Part } from "../words/en.notices.ts";
import { notices as say } from "../words/notices.ts";

type Profile = Notice["by"];

/** Returns what a notice says, as a sentence without its full stop. `time` formats a time. */
export function sentenceOf(
  { by, notice }: Pick<Notice, "by" | "notice">,
  me: Pick<Me, "id"> | undefined,
  time: (iso: string) => string,
): Part[] {
  const { type, users, heir, role = "member", until, title, topic, history, membersAdd, receipts } = notice;
  const named = ({ id, name, username }: Profile): Named => ({
    you: id === me?.id,
    name: { given: name ?? username },
  });
  const isOperator = by.username === "parley" && by.name === undefined;
  const who: Named = isOperator ? { you: false, name: { given: say.operator } } : named(by);
  const those = users.map(named);

  switch (type) {
    case "created":
      return say.created(who, users.filter(({ id }) => id !== by.id).map(named));
    case "added":
      return say.added(who, those, role);
    case "joined":
      return say.joined(those);
    case "left":
      return say.left(those, heir && named(heir));
    case "removed":
      return say.removed(who, those);
    case "banned":
      return say.banned(who, those);
    case "unbanned":
      return say.unbanned(who, those);
    case "unmuted":
      return say.unmuted(who, those);
    case "muted":
      return say.muted(who, those, until ? time(until) : undefined);
    case "role":
      return say.role(who, those, role);
    case "title":
      return say.title(who, title ? { given: title } : undefined);
    case "topic":
      return say.topic(who, topic ? { given: topic } : undefined);
    case "history":
      return history === "all" ? say.historyAll(who) : say.historyJoined(who);
    case "settings":
      if (membersAdd !== undefined) return membersAdd ? say.addedByMembers(who) : say.addedByModerators(who);
      return receipts ? say.receiptsOn(who) : say.receiptsOff(who);
    case "archived":
      return say.archived(who);
    case "restored":
      return say.restored(who);
    case "kind":
      return say.kind(who);
    case "deleted":
      return say.deleted(who);
    case "pinned":
      return say.pinned(who);
    case "unpinned":
      return say.unpinned(who);
    default:
      return say.changed(who);
  }
}

export const textOf = (parts: readonly Part[]): string =>
  parts.map((part) => (typeof part === "string" ? part : part.given)).join("");
