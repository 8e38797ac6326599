import * as v from "valibot";
import { email } from "../auth/emails.ts";
import { loadConfig } from "../config/config.ts";
import type { Sender, Smtp } from "../config/mail.ts";
import { type Command, CommandError } from "./command.ts";

export const mailTest: Command = {
  name: "mail-test",
  usage: "<address>",
  about: "Send a mail to an address, to see whether it arrives",
  async run({ args, env, out }) {
    const [given, ...rest] = args;
    const address = v.safeParse(email, given);
    if (!address.success || rest.length > 0) throw new CommandError("Usage: parley mail-test <address>");
    const { SMTP_URL: smtp, MAIL_FROM: from, PUBLIC_URL: url } = loadConfig(env);
    if (!smtp || !from || !url) throw new CommandError("Set SMTP_URL, MAIL_FROM and PUBLIC_URL first");
    const { createSmtp } = await import("../mail/mail.ts"); // not loaded for other commands
    const { plainText, htmlText } = await import("../mail/html.ts");
    const subject = `A test (${new URL(url).host})`;
    const blocks = [{ kind: "text", text: `Parley at ${url} can send mails.` }] as const;
    const { outcome, fault } = await createSmtp(smtp, from).send({
      id: Bun.randomUUIDv7(),
      at: new Date(),
      to: address.output,
      subject,
      text: plainText(blocks),
      html: htmlText(subject, blocks),
    });
    if (outcome === "sent") {
      out(
        "The mail server took the mail. If it does not arrive, look at SPF and DKIM of the sender's domain.",
      );
      return 0;
    }
    const status = fault?.status === undefined ? "" : `, status ${fault.status}`;
    throw new CommandError(
      `The mail server did not take the mail (${fault?.code}${status}). ${adviceOn(fault?.code)}`,
    );
  },
};

/** Connects to a mail server and logs in. Returns what is wrong, or undefined. */
export async function faultOfSmtp(smtp: Smtp, from: Sender): Promise<string | undefined> {
  const { createSmtp } = await import("../mail/mail.ts");
  try {
    await createSmtp(smtp, from).check();
    return undefined;
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    // What a server says about a login is not repeated, because it may quote it.
    const why = code === "EAUTH" ? "" : `: ${message}`;
    return `The mail server cannot be used (${code}${why}). ${adviceOn(String(code))}`;
  }
}

function adviceOn(code: string | undefined): string {
  switch (code) {
    case "EAUTH":
      return "Check the user and the password in SMTP_URL.";
    case "ETLS":
      return "Its encryption does not work: check its certificate, or whether it offers STARTTLS.";
    case "EENVELOPE":
      return "It refuses the sender or the address: check MAIL_FROM.";
    default:
      return "Check the host and the port in SMTP_URL, and the server's certificate.";
  }
}
