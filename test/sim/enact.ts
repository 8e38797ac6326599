import type { Ruling } from "../../src/chat/change.ts";
import type { Message } from "../../src/message.ts";
import type { Order, Standing } from "./order.ts";

/** Takes a ruling into the judge's order: what its notice means for everyone whom it names. */
export function enact(
  order: Order,
  epoch: string,
  ruling: Ruling,
  { version, notice }: Message,
  rows: { isIn(userId: number): boolean; members(): readonly number[] },
): void {
  if (ruling.kind === "pin") return; // Nobody may do more or less.
  const { room } = ruling;
  const named = notice?.users.map(({ userId }) => userId) ?? [];
  const stand = (userId: number, standing: Partial<Omit<Standing, "version" | "step">>) => {
    // Nothing in the order says who has joined an open room.
    const before = order.isKnown(room, userId) || !rows.isIn(userId) ? {} : ({ state: "in" } as const);
    order.setStanding(room, userId, version, { ...before, ...standing });
  };

  if (ruling.kind === "room") {
    const { create, set } = ruling;
    const { kind, history = "all", membersAdd = false } = set;
    if (!create) {
      const { archived, deleted } = set;
      if (deleted) {
        // An open room is as if it had never been, and begins anew with whatever comes next.
        const isOpen = order.facts(epoch, room).kind === "open";
        const members = isOpen ? rows.members() : order.members(epoch, room).map(([userId]) => userId);
        for (const userId of members) stand(userId, { state: "removed", role: "member" });
        const blank = { archived: false, history: "all", membersAdd: false } as const;
        return order.setFacts(room, version, { ...blank, deleted: !isOpen, beginsAfter: version });
      }
      order.setFacts(room, version, {
        ...(kind !== undefined && { kind }),
        ...(set.history !== undefined && { history }),
        ...(set.membersAdd !== undefined && { membersAdd }),
        ...(archived !== undefined && { archived }),
      });
      return;
    }
    const beginning = { archived: false, deleted: false, history, membersAdd, beginsAfter: version - 1 };
    order.setFacts(room, version, { kind: create.kind, ...beginning });
    const owners = new Set(create.kind === "direct" ? [] : ruling.order ? create.owners : [ruling.senderId]);
    for (const userId of named)
      stand(userId, {
        state: "in",
        role: owners.has(userId) ? "owner" : "member",
        from: 0,
        mutedUntil: null,
      });
    return;
  }

  const from = order.facts(epoch, room).history === "all" ? 0 : version;
  for (const userId of named) {
    switch (ruling.set) {
      case "in":
        stand(userId, { state: "in", role: ruling.role ?? "member", from });
        break;
      case "out":
        stand(userId, { state: notice?.type === "left" ? "left" : "removed", role: "member" });
        break;
      case "banned": {
        const wasIn = order.isKnown(room, userId)
          ? order.standing(epoch, room, userId).state === "in"
          : rows.isIn(userId);
        stand(userId, { banned: true, ...(wasIn && { state: "removed", role: "member" }) });
        break;
      }
      case "unbanned":
        stand(userId, { banned: false });
        break;
      case "muted":
        stand(userId, { mutedUntil: ruling.until === undefined ? Infinity : Date.parse(ruling.until) });
        break;
      case "unmuted":
        stand(userId, { mutedUntil: null });
        break;
      case "role":
        stand(userId, { role: ruling.role ?? "member" });
        break;
    }
  }
  const { heir } = notice ?? {};
  if (heir) stand(heir.userId, { role: "owner" });
}
