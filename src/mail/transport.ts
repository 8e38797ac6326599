import { createTransport } from "nodemailer";
import type { Sender, Smtp } from "../config/mail.ts";

/** A mail as it is sent. */
export interface Letter {
  /** The same for each attempt, so that repeats are one mail to its reader. */
  readonly id: string;
  readonly at: Date;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * What became of a mail. `refused`: the server will never take it. `failed`: it may take it later. `unknown`: the connection
 * ended after the server had all of it, so it may have taken it.
 */
export type Outcome = "sent" | "refused" | "failed" | "unknown";

export interface Delivered {
  readonly outcome: Outcome;
  /** Why not, without addresses: a code of the mailer, and the server's status. */
  readonly fault?: { readonly code: string; readonly status: number | undefined };
}

export interface Transport {
  send(letter: Letter): Promise<Delivered>;
  /** Connects, encrypts and logs in. @throws {Error} says what failed. */
  check(): Promise<void>;
}

/** How long each step may take, in milliseconds. */
const STEP_MS = 15_000;

/** Sends mails over SMTP, each over a connection of its own. */
export function createSmtp({ host, port, encryption, auth }: Smtp, from: Sender): Transport {
  const connect = (onWritten: () => void) =>
    createTransport({
      host,
      port,
      secure: encryption === "tls",
      requireTLS: encryption === "starttls",
      ignoreTLS: encryption === "none",
      ...(auth && { auth: { ...auth } }),
      connectionTimeout: STEP_MS,
      greetingTimeout: STEP_MS,
      socketTimeout: STEP_MS,
      dnsTimeout: STEP_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
      logger: listener(onWritten),
    });
  const domain = from.address.slice(from.address.lastIndexOf("@") + 1);

  return {
    async send({ id, at, to, subject, text, html, headers }) {
      let isWritten = false;
      const transport = connect(() => (isWritten = true));
      try {
        await transport.sendMail({
          from,
          // As an object, it is never parsed.
          to: { name: "", address: to },
          subject,
          text,
          html,
          date: at,
          messageId: `<${id}@${domain}>`,
          headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", ...headers },
        });
        return { outcome: "sent" };
      } catch (error) {
        return { outcome: outcomeOf(error, isWritten), fault: faultOf(error) };
      } finally {
        transport.close();
      }
    },
    async check() {
      const transport = connect(() => {});
      try {
        await transport.verify();
      } finally {
        transport.close();
      }
    },
  };
}

interface SmtpError {
  readonly code?: unknown;
  readonly responseCode?: unknown;
  readonly command?: unknown;
}

const faultOf = (error: unknown) => {
  const { code, responseCode } = error as SmtpError;
  return {
    code: String(code ?? "unknown"),
    status: typeof responseCode === "number" ? responseCode : undefined,
  };
};

function outcomeOf(error: unknown, isWritten: boolean): Outcome {
  const { command } = error as SmtpError;
  const { code, status } = faultOf(error);
  // A server that rejects the sender or the login is set up wrongly: that can change.
  const isAboutMail = command === "RCPT TO" || (command === "DATA" && code === "EMESSAGE");
  if (isAboutMail && status !== undefined) return status >= 500 ? "refused" : "failed";
  // The server does not know the form of such an address.
  if (code === "EENVELOPE" && command === "API") return "refused";
  return isWritten && status === undefined ? "unknown" : "failed";
}

/** The mailer logs when it has written a whole message. It also logs secrets, so nothing else is kept. */
function listener(onWritten: () => void) {
  const ignore = () => {};
  const info = (entry: unknown) => {
    if ((entry as { tnx?: unknown } | undefined)?.tnx === "message") onWritten();
  };
  return { level: ignore, trace: ignore, debug: ignore, info, warn: ignore, error: ignore, fatal: ignore };
}
