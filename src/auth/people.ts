import { and, eq, inArray, isNotNull, isNull, lte, ne, or, sql } from "drizzle-orm";
import { writeAudit } from "../db/audit.ts";
import type { Orm, Pool } from "../db/database.ts";
import { users } from "../db/schema.ts";
import { Refusal } from "../errors.ts";
import { foldOf } from "../lookalikes.ts";
import type { Order } from "../order.ts";
import { textFault } from "../protocol/text.ts";
import { emailOf } from "./emails.ts";
import { createUser } from "./erasure.ts";
import { freeUid, subjectOf } from "./uids.ts";
import { namesFor } from "./usernames.ts";
import { looksFor, type User } from "./users.ts";

/** The most characters of an id, a handle or an address, with what stands before them. */
export const REFERENCE_MAX = 300;

/** How people are referred to, besides by their ids. */
interface Asker {
  /** Who `me` is; nobody for operators. */
  readonly me?: number | undefined;
  /** Whether `mailto:…` is understood: else anyone could ask who has an address. */
  readonly emails: boolean;
}

type Wanted = { readonly field: "id" | "uid" | "fold" | "email"; readonly value: string | number };

function wantedOf(reference: string, { me, emails }: Asker): Wanted | undefined {
  if (textFault(reference, { min: 1, max: REFERENCE_MAX })) return undefined;
  if (reference === "me") return me === undefined ? undefined : { field: "id", value: me };
  if (reference.startsWith("@")) return { field: "fold", value: foldOf(reference.slice(1)) };
  if (!reference.startsWith("mailto:")) return { field: "uid", value: reference };
  return emails ? { field: "email", value: emailOf(reference.slice("mailto:".length)) } : undefined;
}

/** The person is not the server itself, which nobody can sign in as, and was not erased. */
const isPerson = and(ne(users.id, 0), isNull(users.erasedAt));

/**
 * Returns the people that `<id>`, `@username`, `mailto:address` or `me` refer to, in the order of the references; undefined
 * for those that refer to nobody, and for the server itself. One query. Deleted and disabled people are found too.
 */
export async function findPeople(
  orm: Orm,
  references: readonly string[],
  asker: Asker,
): Promise<(User | undefined)[]> {
  const wanted = references.map((reference) => wantedOf(reference, asker));
  const valuesOf = (field: Wanted["field"]) =>
    wanted.flatMap((one) => (one?.field === field ? [one.value] : []));
  const uids = valuesOf("uid") as string[];
  const subjects = uids.flatMap((uid) => subjectOf(uid) ?? []);
  const conditions = [
    valuesOf("id").length > 0 ? inArray(users.id, valuesOf("id") as number[]) : undefined,
    uids.length > 0 ? inArray(users.uid, uids) : undefined,
    // Someone who came back after they were erased has another id, and the same subject.
    subjects.length > 0 ? and(isNotNull(users.issuer), inArray(users.subject, subjects)) : undefined,
    valuesOf("fold").length > 0 ? inArray(users.usernameFold, valuesOf("fold") as string[]) : undefined,
    valuesOf("email").length > 0 ? inArray(users.email, valuesOf("email") as string[]) : undefined,
  ].filter((condition) => condition !== undefined);
  if (conditions.length === 0) return wanted.map(() => undefined);
  const found = await orm
    .select()
    .from(users)
    .where(and(isPerson, or(...conditions)));
  const by = (field: (user: User) => string | number | null) =>
    new Map(found.map((user) => [field(user), user]));
  const indexes = {
    id: by(({ id }) => id),
    uid: by(({ uid }) => uid),
    fold: by(({ usernameFold }) => usernameFold),
    email: by(({ email }) => email),
  };
  const bySubject = new Map(found.toSorted((a, b) => a.id - b.id).map((user) => [user.subject, user]));
  return wanted.map((one) => {
    if (!one) return undefined;
    const person = indexes[one.field].get(one.value);
    if (person || one.field !== "uid") return person;
    const subject = subjectOf(one.value as string);
    return subject === undefined ? undefined : bySubject.get(subject);
  });
}

/**
 * Returns whom an operator names, also by a bare username or email.
 * @throws {Refusal} not_found; invalid if the name is one person's id and another person's username.
 */
export async function findUser(orm: Orm, name: string): Promise<User> {
  const bare = name.includes("@") ? `mailto:${name}` : `@${name}`;
  const [person, other] = await findPeople(orm, [name, bare], OPERATOR);
  if (person && other && person.id !== other.id)
    throw new Refusal("invalid", {
      detail: "This is the id of one person and the username of another. Write @ before a username.",
    });
  const one = person ?? other;
  if (!one) throw nobody();
  return one;
}

const nobody = () => new Refusal("not_found", { detail: "Nobody has that id, username or email." });

/** What a backend says about a person. What is undefined stays as it is, and null takes it away. */
export interface Profiled {
  readonly name?: string | null | undefined;
  readonly username?: string | undefined;
  readonly picture?: string | null | undefined;
}

/** People by what others call them. */
export interface People {
  /** See {@link findPeople}. */
  find(references: readonly string[], asker: Asker): Promise<(User | undefined)[]>;
  /** Returns whom an operator refers to by id, `@username` or `mailto:address`. @throws {Refusal} not_found. */
  get(reference: string): Promise<User>;
  /**
   * Creates or updates the person with an id. Someone who does not exist becomes the outside identity with that subject,
   * so that the token of their first visit finds them. Audited, unless everything stays the same.
   * @throws {Refusal} not_found if there is nobody and nobody can be created; username_taken.
   */
  put(reference: string, profile: Profiled, order: Order): Promise<Put>;
}

export interface Put {
  readonly user: User;
  readonly outcome: "created" | "changed" | "same";
}

interface PeopleOptions {
  readonly pool: Pool;
  /** AUTH_ISSUER, if outside identities are configured. */
  readonly issuer: string | undefined;
  readonly erasureKey: string;
}

export const createPeople = (options: PeopleOptions): People => ({
  find: (references, asker) => options.pool.run((orm) => findPeople(orm, references, asker)),
  get: (reference) =>
    options.pool.run(async (orm) => {
      const [person] = await findPeople(orm, [reference], OPERATOR);
      if (!person) throw nobody();
      return person;
    }),
  put: (reference, profile, order) => put(options, reference, profile, order),
});

const OPERATOR: Asker = { emails: true };

const put = (
  { pool, issuer, erasureKey }: PeopleOptions,
  reference: string,
  profile: Profiled,
  order: Order,
) =>
  pool.run((orm) =>
    orm.transaction(async (tx): Promise<Put> => {
      const audit = (user: User) => writeAudit(tx, [{ ...order, action: "user.set", userId: user.id }]);
      const [known] = await findPeople(tx, [reference], OPERATOR);
      if (known) {
        const user = await update(tx, known, profile);
        if (user === known) return { user, outcome: "same" };
        await audit(user);
        return { user, outcome: "changed" };
      }
      const subject = textFault(reference, { min: 1, max: 255 }) ? undefined : subjectOf(reference);
      if (subject === undefined) throw nobody();
      if (issuer === undefined)
        throw new Refusal("not_found", {
          detail: "Nobody has that id, and without outside identities (AUTH_ISSUER) nobody can be created.",
        });
      const { username, name = null, picture = null } = profile;
      const values = { issuer, subject, uid: await freeUid(tx, subject), picture };
      const user = await createUser(
        tx,
        { ...values, name, describedAt: NOW },
        username ? [username] : namesFor(name ?? undefined),
        erasureKey,
      );
      if (user === "names taken") throw usernameTaken();
      if (user === "values taken") throw new Refusal("busy", { retryAfterMs: 100 });
      await audit(user);
      return { user, outcome: "created" };
    }),
  );

const NOW = sql`clock_timestamp()`;

/** Returns the same object if nothing changes. */
async function update(tx: Orm, user: User, { name, username, picture }: Profiled): Promise<User> {
  const looks =
    username === undefined || username === user.username ? {} : await looksFor(tx, username, user.id);
  if (!looks) throw usernameTaken();
  const changed = changesOf({ ...user, ...looks }, { name, picture });
  if (!changed && Object.keys(looks).length === 0) return user;
  const [updated] = await tx
    .update(users)
    .set({ ...looks, ...changed, ...(changed && { describedAt: NOW }) })
    .where(eq(users.id, user.id))
    .returning();
  return updated ?? user;
}

/** Returns the columns that a profile changes, or undefined if it changes nothing. */
export function changesOf(user: User, { name, picture }: Omit<Profiled, "username">) {
  const wanted = {
    name: name === undefined ? user.name : name === user.username ? null : name,
    picture: picture === undefined ? user.picture : picture,
  };
  return wanted.name === user.name && wanted.picture === user.picture ? undefined : wanted;
}

/** Stores what changes of a person's profile, unless it was given later than `at`. Returns the person as they are now. */
export async function setProfile(
  pool: Pool,
  user: User,
  profile: Omit<Profiled, "username">,
  at: Date,
): Promise<User> {
  const changed = changesOf(user, profile);
  if (!changed || (user.describedAt && user.describedAt > at)) return user;
  const isLatest = or(isNull(users.describedAt), lte(users.describedAt, at));
  const [updated] = await pool.run((orm) =>
    orm
      .update(users)
      .set({ ...changed, describedAt: at })
      .where(and(eq(users.id, user.id), isNull(users.erasedAt), isLatest))
      .returning(),
  );
  return updated ?? user;
}

const usernameTaken = () => new Refusal("username_taken", { errors: { username: ["is taken"] } });
