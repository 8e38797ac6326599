import type { Clock } from "../../clock.ts";
import { Refusal } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import type { Order } from "../../order.ts";
import type { Access } from "../access/access.ts";
import { type Ack, type Appointment, ordain, type Removal, rule, type Ruling } from "../change.ts";
import type { Pass } from "../pass.ts";
import type { Action } from "../rights.ts";
import {
  FENCED,
  type Fenced,
  type Invitation,
  INVITATIONS_MAX,
  type Listed,
  type ModerationStore,
  type Permitted,
  type Range,
  type Report,
  type ReportRange,
} from "../moderationports.ts";
import { purge, type Purged } from "./purge.ts";
import { passOn } from "./succession.ts";
import { hashOf, idOf, newToken } from "./tokens.ts";

/** How often rights are read again if the room keeps changing, and when to come back then, in milliseconds. */
const ATTEMPTS = 4;
const RETRY_MS = 200;
/** How long one order to purge works, in milliseconds. */
const PURGE_MS = 10_000;

export interface Invited extends Invitation {
  /** Shown only once: the database has its hash. */
  readonly token: string;
}

/** What people do about others: blocks, reports, and links that let others in. What concerns a room takes a {@link Pass}. */
export interface Moderation {
  /** Whom people do not want to hear from. @throws {Refusal} invalid, unavailable. */
  readonly blocks: ModerationStore["blocks"];
  /** Reports a message to the moderators and the operators, who see it as it is now. @throws {Refusal} not_found. */
  report(pass: Pass, id: number, reason: string): Promise<void>;
  /** Lists the reports of a room, newest first. */
  reports(pass: Pass<"moderate">, range: ReportRange): Promise<Listed<Report>>;
  /** Lists the reports of all rooms for the operator, newest first. */
  allReports(range: ReportRange): Promise<Listed<Report>>;
  /** Says what was done about a report. @throws {Refusal} not_found. */
  resolve(pass: Pass<"moderate">, id: string, resolution: string, order: Order): Promise<void>;
  /** Does the same for the operator. @throws {Refusal} not_found. */
  resolveAny(id: string, resolution: string, order: Order): Promise<void>;
  /** Creates a link. A repeat with the same clientId gets a new token for the same link. @throws {Refusal} too_many_invitations. */
  invite(
    pass: Pass<"add">,
    wanted: { readonly clientId: string; readonly ttlMs: number; readonly maxUses: number | null },
  ): Promise<Invited>;
  /** Lists the links that work: all for moderators, their own for others. */
  invitations(pass: Pass<"add">, range: Range<string>): Promise<Listed<Invitation>>;
  /** Revokes a link: any for moderators, their own for others. @throws {Refusal} not_found. */
  revoke(pass: Pass<"add">, id: string, order: Order): Promise<void>;
  /**
   * Makes a person a member of the room that a link leads to.
   * @throws {Refusal} not_found for every token that does not work, whatever the cause; forbidden for those who are banned,
   * or were removed after the link was created.
   */
  redeem(
    person: Identity,
    token: string,
    clientId: string,
  ): Promise<{ readonly room: string; readonly ack: Ack }>;
  /**
   * Removes everything that a person wrote, and their reactions, for the operator. It stops after ten seconds; `more` says
   * whether it has to be repeated. @throws {Refusal} busy, unavailable.
   */
  purge(userId: number, order: Order): Promise<Purged & { readonly more: boolean }>;
  /** Deletes a room for the operator. @throws {Refusal} not_found. */
  deleteRoom(room: string, order: Order): Promise<Ack>;
  /** Gives the rooms of people whose accounts are deleted to others. Returns the people who still own some. */
  passOn(): Promise<ReadonlySet<number>>;
}

interface ModerationParts {
  readonly store: ModerationStore;
  readonly access: Pick<Access, "reenter" | "narrow" | "checkLeave">;
  readonly clock: Pick<Clock, "monotonic">;
  commit(change: Ruling | Removal): Promise<Ack>;
}

export function createModeration({ store, access, clock, commit }: ModerationParts): Moderation {
  const { blocks, reports, invitations } = store;

  /** Does work with the rights of a pass. If they changed since, reads them again first. */
  const current = async <A extends Action, T>(
    pass: Pass<A>,
    action: A,
    work: (by: Permitted, pass: Pass<A>) => Promise<T | Fenced>,
  ): Promise<T> => {
    let held = pass;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const { person, room, membership } = held;
      const { from, fence } = membership;
      const result = await work({ userId: person.userId, room, from, fence }, held);
      if (result !== FENCED) return result;
      held = await access.reenter(person, room, action);
    }
    throw new Refusal("busy", { retryAfterMs: RETRY_MS });
  };

  const scopeOf = (pass: Pass<"add">) => (access.narrow(pass, "moderate") ? "all" : "own");

  return {
    blocks,
    async report(pass, id, reason) {
      const found = await current(pass, "read", (by) => reports.report(by, id, reason));
      if (!found) throw new Refusal("not_found");
    },
    reports: (pass, range) => current(pass, "moderate", (reader) => reports.reportsOf(reader, range)),
    allReports: (range) => reports.reports(range),
    async resolve(pass, id, resolution, order) {
      const found = await current(pass, "moderate", (by) =>
        reports.resolveIn(by, { id, userId: by.userId, resolution, order }),
      );
      if (!found) throw new Refusal("not_found");
    },
    async resolveAny(id, resolution, order) {
      if (!(await reports.resolve({ id, userId: 0, resolution, order }))) throw new Refusal("not_found");
    },
    async invite(pass, { clientId, ttlMs, maxUses }) {
      const token = newToken();
      const id = idOf(pass.person.userId, pass.room, clientId);
      const made = await current(pass, "add", (by) =>
        invitations.create(by, { id, hash: hashOf(token), ttlMs, maxUses }),
      );
      if (made === null)
        throw new Refusal("too_many_invitations", {
          detail: `You have ${INVITATIONS_MAX} links to this room. Revoke one first.`,
        });
      return { ...made, token };
    },
    invitations: (pass, range) =>
      current(pass, "add", (reader, held) => invitations.invitations(reader, range, scopeOf(held))),
    async revoke(pass, id, order) {
      const revoked = await current(pass, "add", (by, held) =>
        invitations.revoke(by, id, scopeOf(held), order),
      );
      if (!revoked) throw new Refusal("not_found");
    },
    async redeem(person, token, clientId) {
      const link = hashOf(token);
      const room = await invitations.roomOf(link, person.userId);
      if (room === undefined) throw new Refusal("not_found");
      access.checkLeave(person, room);
      const { userId } = person;
      const change: Appointment = { kind: "member", clientId, set: "in", users: [userId], link };
      return { room, ack: await commit(rule(change, room, person)) };
    },
    purge(userId, order) {
      const end = clock.monotonic() + PURGE_MS;
      return purge({
        store: store.purge,
        userId,
        order,
        commit: (removals) => Promise.all(removals.map(commit)),
        goOn: () => clock.monotonic() < end,
      });
    },
    deleteRoom: (room, order) =>
      commit(ordain({ kind: "room", clientId: crypto.randomUUID(), set: { deleted: true } }, room, order)),
    passOn: () => passOn({ store: store.succession, commit }),
  };
}
