import { type ParsedMail, simpleParser } from "mailparser";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

/** A mail as it arrived. */
export interface Arrived extends ParsedMail {
  /** The bytes, as text. */
  readonly raw: string;
  /** Where the envelope says that it goes. */
  readonly recipients: readonly string[];
}

export interface MailServer {
  /** The settings that a server needs to send its mails here. */
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  readonly mails: readonly Arrived[];
  /** Returns the SMTP status for a recipient; undefined: accepted. */
  recipient: (address: string) => number | undefined;
  /** What becomes of a message once all of it has arrived. */
  message: "take" | "hang up" | "take and hang up";
  /** Resolves to the next mail to an address that was not taken before, once it has arrived. */
  next(address: string, subject?: RegExp): Promise<Arrived>;
  stop(): Promise<void>;
}

/** Starts a real SMTP server on a free port. */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const mails: Arrived[] = [];
  const taken = new Set<Arrived>();
  let arrived = Promise.withResolvers<void>();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onRcptTo({ address }, _session, callback) {
      const responseCode = self.recipient(address);
      callback(responseCode ? Object.assign(new Error("not now"), { responseCode }) : null);
    },
    async onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      const raw = Buffer.concat(chunks).toString();
      if (self.message !== "hang up") {
        const recipients = session.envelope.rcptTo.map(({ address }) => address);
        mails.push({ ...(await simpleParser(raw)), raw, recipients });
        arrived.resolve();
        arrived = Promise.withResolvers();
      }
      if (self.message === "take") return callback();
      for (const connection of server.connections) connection.close();
    },
    ...options,
  });
  server.on("error", () => {}); // clients that go away
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.server.address() as { port: number };
  const self: MailServer = {
    port,
    env: {
      SMTP_URL: `smtp://127.0.0.1:${port}?tls=off`,
      MAIL_FROM: "Example Chat <chat@example.com>",
      PUBLIC_URL: "https://chat.example.com",
    },
    mails,
    recipient: () => undefined,
    message: "take",
    async next(address, subject = /(?:)/) {
      for (;;) {
        const found = mails.find(
          (mail) => !taken.has(mail) && mail.recipients.includes(address) && subject.test(mail.subject ?? ""),
        );
        if (found) {
          taken.add(found);
          return found;
        }
        await arrived.promise;
      }
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
  return self;
}

/** Returns the token of the link in a mail. */
export function tokenIn({ text = "" }: Pick<Arrived, "text">): string {
  const [, token] =
    /https:\/\/chat\.example\.com\/#\/(?:reset|verify|unsubscribe)\/([\w.-]+)/.exec(text) ?? [];
  if (!token) throw new Error("this mail has no link");
  return token;
}
