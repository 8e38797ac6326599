import * as v from "valibot";

// How the settings of mails are parsed.

/** How to reach the mail server. */
export interface Smtp {
  readonly host: string;
  readonly port: number;
  /** `tls`: from the beginning. `starttls`: required. `none`: the operator allows it. */
  readonly encryption: "tls" | "starttls" | "none";
  readonly auth?: { readonly user: string; readonly pass: string };
}

const PORTS = { "smtp:": 587, "smtps:": 465 } as const;

function smtpOf(text: string): Smtp | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text);
  const isPlain = search === "?tls=off";
  if (!(protocol in PORTS) || !hostname || hash || pathname.length > 1) return undefined;
  if ((search && !isPlain) || (isPlain && protocol === "smtps:")) return undefined;
  if (!username !== !password) return undefined;
  try {
    return {
      host: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: Number(port) || PORTS[protocol as keyof typeof PORTS],
      encryption: protocol === "smtps:" ? "tls" : isPlain ? "none" : "starttls",
      ...(username && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    };
  } catch {
    return undefined; // not percent-encoded
  }
}

export const smtpUrl = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }): Smtp => {
    const smtp = smtpOf(dataset.value);
    if (smtp) return smtp;
    addIssue({
      message:
        "must be a URL such as smtp://user:password@mail.example.com:587 or smtps://user:password@mail.example.com, with special characters in the password percent-encoded, and nothing after the host but ?tls=off",
    });
    return NEVER;
  }),
);

/** The sender of mails. */
export interface Sender {
  readonly name: string;
  readonly address: string;
}

const SENDER = /^(?:(?:"([^"\\\p{C}]{1,100})"|([^"<>@,;:\\\p{C}]{0,100}?)) *<([^<>]+)>|([^<>]+))$/u;
const ADDRESS =
  /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

export const sender = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }): Sender => {
    const [, quoted, bare, inside, alone] = SENDER.exec(dataset.value.trim()) ?? [];
    const address = inside ?? alone ?? "";
    if (ADDRESS.test(address) && address.length <= 254)
      return { name: quoted ?? bare?.trim() ?? "", address };
    addIssue({ message: "must be an address such as chat@example.com or Example Chat <chat@example.com>" });
    return NEVER;
  }),
);
