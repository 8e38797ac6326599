import { and, eq, isNull } from "drizzle-orm";
import { issueTicket, type TicketKind } from "../auth/tickets.ts";
import { unsubscribeToken } from "../auth/unsubscribing.ts";
import type { Pool } from "../db/database.ts";
import { users } from "../db/schema.ts";
import type { DigestStore } from "../store/digests.ts";
import { digestBlocks } from "./digesttext.ts";
import { type Block, htmlText, plainText } from "./html.ts";
import type { Leased } from "./outbox.ts";
import type { Letter } from "./transport.ts";

interface LetterParts {
  readonly pool: Pool;
  readonly digests: Pick<DigestStore, "unread">;
  /** The page's address, without a slash at the end. */
  readonly base: string;
  /** See `Meta.mailKey`. */
  readonly key: string;
  /** Whether mails about messages have their texts. */
  readonly content: boolean;
}

interface Person {
  readonly id: number;
  readonly uid: string;
  readonly username: string;
  readonly email: string | null;
  readonly verifiedAt: Date | null;
}

type Draft = {
  readonly subject: string;
  readonly blocks: readonly Block[];
  readonly headers?: Record<string, string>;
};

/** Returns what writes mails. What a mail says, and whether there is anybody to say it to, is looked up when it is sent. */
export function createWriter({ pool, digests, base, key, content }: LetterParts) {
  const site = new URL(base).host;

  /** Finds an active person by a condition. */
  async function find(condition: ReturnType<typeof eq>): Promise<Person | undefined> {
    const { id, uid, username, email, verifiedAt } = users;
    const active = and(isNull(users.disabledAt), isNull(users.deletedAt), isNull(users.erasedAt));
    const [person] = await pool.run((orm) =>
      orm.select({ id, uid, username, email, verifiedAt }).from(users).where(and(condition, active)),
    );
    return person;
  }

  /** Returns the address of a link; undefined if too many have been sent. */
  async function linkFor(mail: Leased, kind: TicketKind, userId: number): Promise<string | undefined> {
    const token = await issueTicket(pool, { kind, userId, address: mail.address, mailId: mail.id });
    return token && `${base}/#/${kind === "reset" ? "reset" : "verify"}/${token}`;
  }

  async function withLink(mail: Leased, kind: TicketKind, person: Person): Promise<Draft | undefined> {
    const href = await linkFor(mail, kind, person.id);
    if (href === undefined) return undefined;
    const { subject, about, button, lasts, otherwise } = LINKS[kind];
    return {
      subject: `${subject} (${site})`,
      blocks: [
        { kind: "text", text: about(person.username, site) },
        { kind: "button", text: button, href },
        { kind: "note", text: `The link works once, and for ${lasts}. ${otherwise}` },
      ],
    };
  }

  const draft = async (mail: Leased): Promise<Draft | undefined> => {
    const { kind, address, userId } = mail;
    const person = await find(userId === null ? eq(users.email, address) : eq(users.id, userId));
    if (!person) return undefined;
    const isTheirs = person.email === address;
    switch (kind) {
      case "reset":
        return isTheirs ? withLink(mail, "reset", person) : undefined;
      case "verify":
        return isTheirs && person.verifiedAt === null ? withLink(mail, "verify", person) : undefined;
      case "change":
        // An address of someone else gets no mail: it would tell who has an account.
        return (await find(eq(users.email, address))) ? undefined : withLink(mail, "change", person);
      case "password":
        return {
          subject: `Your password was changed (${site})`,
          blocks: [
            {
              kind: "text",
              text: `Hello ${person.username},\n\nthe password of your account at ${site} was changed.`,
            },
            {
              kind: "note",
              text: `If you did not do this, choose “Forgot your password?” at ${base} at once.`,
            },
          ],
        };
      case "moved":
        return {
          subject: `Your email address was changed (${site})`,
          blocks: [
            {
              kind: "text",
              text: `Hello ${person.username},\n\nyour account at ${site} now has another email address. This is the last mail to the old one.`,
            },
            { kind: "note", text: "If you did not do this, contact the operator of the server." },
          ],
        };
      case "digest":
        return isTheirs && person.verifiedAt !== null ? digest(mail, person) : undefined;
    }
  };

  async function digest({ after, upto }: Leased, { id, uid }: Person): Promise<Draft | undefined> {
    const unread = await digests.unread(id, { after, upto });
    if (unread.length === 0) return undefined;
    const token = unsubscribeToken(key, uid);
    const { subject, blocks } = digestBlocks(unread, { base, site, content });
    return {
      subject,
      blocks: [
        ...blocks,
        {
          kind: "note",
          text: "You get this mail because you were away. No more of them:",
          href: `${base}/#/unsubscribe/${token}`,
        },
      ],
      headers: {
        "List-Unsubscribe": `<${base}/account/mail/unsubscribe?token=${token}>`,
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
      },
    };
  }

  return async (mail: Leased): Promise<Letter | undefined> => {
    const drafted = await draft(mail);
    if (!drafted) return undefined;
    const { subject, blocks, headers } = drafted;
    return {
      id: mail.id,
      at: new Date(mail.createdAt),
      to: mail.address,
      subject,
      text: plainText(blocks),
      html: htmlText(subject, blocks),
      ...(headers && { headers }),
    };
  };
}

interface LinkText {
  readonly subject: string;
  readonly about: (username: string, site: string) => string;
  readonly button: string;
  readonly lasts: string;
  readonly otherwise: string;
}

const LINKS: Readonly<Record<TicketKind, LinkText>> = {
  reset: {
    subject: "Set a new password",
    about: (username, site) =>
      `Hello ${username},\n\nsomebody asked for a new password for your account at ${site}. Your present password still works.`,
    button: "Set a new password",
    lasts: "an hour",
    otherwise: "If you did not ask for this, do nothing.",
  },
  verify: {
    subject: "Confirm your email address",
    about: (username, site) =>
      `Hello ${username},\n\nplease confirm that this is the address of your account at ${site}.`,
    button: "Confirm this address",
    lasts: "three days",
    otherwise: "If you have no account there, do nothing.",
  },
  change: {
    subject: "Confirm your new email address",
    about: (username, site) =>
      `Hello ${username},\n\nplease confirm that your account at ${site} gets this address. Until then it keeps the old one.`,
    button: "Confirm this address",
    lasts: "a day",
    otherwise: "If you did not ask for this, do nothing.",
  },
};
