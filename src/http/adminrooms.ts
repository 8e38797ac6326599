import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import type { Ack, Chat, Decree } from "../chat/chat.ts";
import { invalid, Refusal } from "../errors.ts";
import { room } from "../protocol/frames.ts";
import { ROOM_KINDS, USERS_MAX } from "../protocol/membership.ts";
import { personName, role, roomSettings, until } from "../protocol/people.ts";
import type { Facts, SecurityEvent, SecurityLog } from "../security.ts";
import { BAN, MEMBER, RULED } from "./answers.ts";
import { linkNext, listing } from "./listing.ts";
import { founded, MEMBER_LIST } from "./members.ts";
import { ORDER, orderOf } from "./orders.ts";
import { operation } from "./operation.ts";
import { type Env, originOf } from "./request.ts";
import { ROOM_PARAMS, roomParam } from "./room.ts";
import { KEY, RANGE } from "./ruling.ts";
import { requireScope } from "./scope.ts";

const ON_ROOM = {
  params: ROOM_PARAMS,
  refusals: ["forbidden", "not_found", "client_id_reused", "direct_room"],
} as const;
const NAME = v.pipe(
  v.string(),
  v.description("The person's id, percent-encoded; or @username, or mailto:address."),
);
const ON_MEMBER = {
  params: { ...ROOM_PARAMS, user: NAME },
  answers: { 200: RULED },
  refusals: ["forbidden", "not_found", "client_id_reused", "direct_room"],
} as const;
/** The most people in one request. */
const BULK_MAX = 1_000;

const many = (most: number) =>
  v.pipe(v.array(personName, "must be a list"), v.maxLength(most, `must name at most ${most} people`));
const { archived: _, ...settings } = roomSettings;
const CREATE = v.strictObject({
  room: v.optional(v.pipe(room, v.description("A plain name. Without one, the server names the room."))),
  kind: v.picklist(ROOM_KINDS, `must be one of ${ROOM_KINDS.join(", ")}`),
  people: v.optional(many(USERS_MAX), []),
  owners: v.optional(v.pipe(many(USERS_MAX), v.description("Those of the people who own it.")), []),
  ...settings,
  ...KEY,
});
const PATCH = v.strictObject({
  ...roomSettings,
  kind: v.optional(v.picklist(["open", "private"], "must be open or private")),
  ...KEY,
});
const MEMBERS = v.strictObject({ users: many(BULK_MAX), role: v.optional(role), ...KEY });
const PUT_MEMBER = v.strictObject({ role: v.optional(role), ...KEY });
const PUT_MUTE = v.strictObject({ until: v.optional(until), ...KEY });
const QUERY = v.object({ ...ORDER.entries, ...KEY });

/** The response to a change in a room. */
export const shown = (name: string, key: string, { id, version, duplicate, unreached, content }: Ack) => ({
  id,
  version,
  room: name,
  clientId: key,
  ...(duplicate && { duplicate }),
  ...(unreached && { unreached: [...unreached] }),
  ...(content !== undefined && { content }),
});

interface AdminRoomRoutes {
  readonly auth: Pick<Auth, "people">;
  readonly chat: Pick<Chat, "ordain" | "founding" | "roster" | "banned">;
  readonly security: Pick<SecurityLog, "record">;
}

/** Routes under `/admin/rooms` with which a backend decides about rooms and who is in them. */
export function adminRoomRoutes({ auth: { people }, chat, security }: AdminRoomRoutes) {
  const record = (c: Context<Env>, event: SecurityEvent, facts: Facts) =>
    security.record(event, { ...facts, actor: c.var.key.name, origin: originOf(c) });

  /** @throws {Refusal} invalid if the field names somebody who does not exist. */
  const idsOf = async (field: string, names: readonly string[]): Promise<number[]> => {
    if (names.length === 0) return [];
    const found = await people.find(names, { emails: true });
    if (found.includes(undefined)) throw invalid({ [field]: ["names somebody who is not known here"] });
    return [...new Set(found.map((user) => (user as { id: number }).id))];
  };
  const personOf = async (c: Context<Env>) => (await people.get(c.req.param("user") ?? "")).id;

  const ordain = async (c: Context<Env>, decree: Decree) => {
    const name = roomParam(c);
    const reason = c.req.query("reason") ?? "";
    const ack = await chat.ordain(name, decree, orderOf(c, { reason }));
    record(c, decree.kind === "member" ? "members.change" : "room.change", { room: name });
    return c.json(shown(name, decree.clientId, ack), 200);
  };
  const set = async (
    c: Context<Env>,
    what: "out" | "muted" | "unmuted",
    {
      clientId: key = crypto.randomUUID(),
      until,
    }: { clientId?: string | undefined; until?: string | undefined },
  ) => ordain(c, { kind: "member", clientId: key, set: what, users: [await personOf(c)], until });

  return new Hono<Env>({ strict: false })
    .post(
      "/rooms",
      operation({
        summary: "Create a room",
        scope: "rooms:manage",
        about: "Open, private or direct, with its first members. 200 if this clientId created it before.",
        json: CREATE,
        example: { kind: "private", title: "Order 7", people: ["buyer-12", "seller-3"] },
        query: ORDER,
        answers: { 201: RULED, 200: RULED },
        refusals: ["room_exists", "client_id_reused", "forbidden", "not_found"],
      }),
      async (c) => {
        const {
          room: name,
          kind,
          people,
          owners,
          clientId: key = crypto.randomUUID(),
          ...set
        } = c.req.valid("json");
        // Names that the server gives begin with a tilde.
        requireScope(c.var.key, "rooms:manage", name ?? "~*");
        const [members, owning] = [await idsOf("people", people), await idsOf("owners", owners)];
        const create = { kind, people: [...new Set([...members, ...owning])], owners: owning };
        const order = orderOf(c, c.req.valid("query"));
        const made = await chat.founding.ordain({ room: name, clientId: key, settings: set, create }, order);
        record(c, "room.change", { room: made.room });
        const { status, body } = founded(made.room, key, made.ack);
        return c.json(body, status);
      },
    )
    .patch(
      "/rooms/:room",
      operation({
        summary: "Change a room",
        scope: "rooms:manage",
        about: "What is absent stays as it is.",
        ...ON_ROOM,
        json: PATCH,
        query: ORDER,
        answers: { 200: RULED },
      }),
      (c) => {
        const { clientId: key = crypto.randomUUID(), ...changed } = c.req.valid("json");
        return ordain(c, { kind: "room", clientId: key, set: changed });
      },
    )
    .get(
      "/rooms/:room/members",
      operation({
        summary: "List the members of a room",
        scope: "rooms:manage",
        about: "A page at a time. With q, those whose names match it.",
        params: ROOM_PARAMS,
        query: MEMBER_LIST,
        answers: { 200: v.array(MEMBER) },
        headers: listing.headers,
      }),
      async (c) => {
        const { after = 0, limit = 50, q } = c.req.valid("query");
        const name = roomParam(c);
        const { members, next } = await chat.roster(name, { after, limit, q });
        linkNext(c, `/admin/rooms/${encodeURIComponent(name)}/members/`, next, { q, limit: `${limit}` });
        return c.json(
          members.map(({ userId: _id, ...member }) => member),
          200,
        );
      },
    )
    .get(
      "/rooms/:room/bans",
      operation({
        summary: "List the people who are banned from a room",
        scope: "rooms:moderate",
        about: "A page at a time, with who banned them.",
        params: ROOM_PARAMS,
        query: RANGE,
        answers: { 200: v.array(BAN) },
        headers: listing.headers,
      }),
      async (c) => {
        const { after = 0, limit = 50 } = c.req.valid("query");
        const name = roomParam(c);
        const { bans, next } = await chat.banned(name, { after, limit });
        linkNext(c, `/admin/rooms/${encodeURIComponent(name)}/bans/`, next, { limit: `${limit}` });
        return c.json(bans, 200);
      },
    )
    .put(
      "/rooms/:room/members",
      operation({
        summary: "Add people to a room",
        scope: "rooms:manage",
        about: `Up to ${BULK_MAX}, ${USERS_MAX} in each change. The result is that of the last change.`,
        ...ON_ROOM,
        json: MEMBERS,
        query: ORDER,
        answers: { 200: RULED },
      }),
      async (c) => {
        const { users, role, clientId: key = crypto.randomUUID() } = c.req.valid("json");
        const ids = await idsOf("users", users);
        const name = roomParam(c);
        if (ids.length === 0) throw invalid({ users: ["must not be empty"] });
        let ack: Ack | undefined;
        for (let from = 0; from < ids.length; from += USERS_MAX) {
          const some = ids.slice(from, from + USERS_MAX);
          const part = { kind: "member", clientId: partOf(key, from), set: "in", users: some, role } as const;
          ack = await chat.ordain(name, part, orderOf(c, c.req.valid("query")));
        }
        record(c, "members.change", { room: name });
        if (!ack) throw new Refusal("internal");
        return c.json(shown(name, key, ack), 200);
      },
    )
    .put(
      "/rooms/:room/members/:user",
      operation({
        summary: "Add someone to a room, or change their role",
        scope: "rooms:manage",
        about: "Without a role, they are added and keep the role that they have.",
        ...ON_MEMBER,
        json: PUT_MEMBER,
        query: ORDER,
        bodyless: true,
      }),
      async (c) => {
        const { role, clientId: key = crypto.randomUUID() } = c.req.valid("json");
        const users = [await personOf(c)];
        const change = { kind: "member", clientId: key, users, role } as const;
        try {
          return await ordain(c, { ...change, set: role === undefined ? "in" : "role" });
        } catch (error) {
          // They are no member yet, or became one by this very change.
          const codes = ["not_found", "client_id_reused"];
          if (role === undefined || !(error instanceof Refusal) || !codes.includes(error.code)) throw error;
          return ordain(c, { ...change, set: "in" });
        }
      },
    )
    .delete(
      "/rooms/:room/members/:user",
      operation({
        summary: "Remove someone from a room",
        scope: "rooms:manage",
        about:
          "They receive nothing after the version in the response, and nothing that they send is committed after it.",
        ...ON_MEMBER,
        query: QUERY,
      }),
      (c) => set(c, "out", c.req.valid("query")),
    )
    .put(
      "/rooms/:room/mutes/:user",
      operation({
        summary: "Keep someone from posting in a room",
        scope: "rooms:moderate",
        about: "Until the time given, or until someone ends it.",
        ...ON_MEMBER,
        json: PUT_MUTE,
        query: ORDER,
        bodyless: true,
      }),
      (c) => set(c, "muted", c.req.valid("json")),
    )
    .delete(
      "/rooms/:room/mutes/:user",
      operation({
        summary: "Let someone post again",
        scope: "rooms:moderate",
        about: "Ends a mute before its time.",
        ...ON_MEMBER,
        query: QUERY,
      }),
      (c) => set(c, "unmuted", c.req.valid("query")),
    );
}

/** The client id of a part of a bulk change. A repeat of the whole has the same parts. */
function partOf(key: string, from: number): string {
  if (from === 0) return key;
  const hash = new Bun.CryptoHasher("sha256").update(`${key} ${from}`).digest("hex");
  const variant = "89ab"[Number.parseInt(hash[16] ?? "0", 16) & 3] ?? "8";
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
