/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import type { Chat } from "../../client/index.ts";
import { useEffect } from "../parts/effect.ts";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";
import { request } from "./requests.ts";

interface MailSettings {
  readonly email: string;
  readonly verified: boolean;
  readonly digest: boolean;
}

/** The person's address, whether it is confirmed, and which mails they get. */
export function Mail({ chat }: { readonly chat: Chat }) {
  const [settings, setSettings] = useState<MailSettings | undefined>(undefined);
  const [said, setSaid] = useState("");
  const { busy, problem, run } = useWork();
  const says = later.mail;
  const take = async (response: Response) => setSettings((await response.json()) as MailSettings);
  useEffect(() => void run(async () => take(await request(chat, "GET", "/account/mail/"))), []);

  const act = async (work: () => Promise<unknown>, saying = "") => {
    setSaid("");
    if (await run(work)) setSaid(saying);
  };
  const change = (event: Event) => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const given = new FormData(form);
    const email = String(given.get("email")).trim();
    const body = { email, password: String(given.get("password")) };
    void act(async () => {
      await request(chat, "POST", "/account/email/", { body });
      form.reset();
    }, says.changeSent(email));
  };
  return (
    <>
      {settings && (
        <>
          <p>
            <bdi>{settings.email}</bdi>{" "}
            <small>{settings.verified ? says.isVerified : says.isUnverified}</small>
          </p>
          {!settings.verified && (
            <button
              type="button"
              disabled={busy}
              onClick={() =>
                void act(
                  () => request(chat, "POST", "/account/mail/verification/"),
                  says.verificationSent(settings.email),
                )
              }
            >
              {says.sendVerification}
            </button>
          )}
          <button
            type="button"
            aria-pressed={String(settings.digest) as "true"}
            disabled={busy}
            onClick={() => {
              const body = { digest: !settings.digest };
              void act(async () => take(await request(chat, "PATCH", "/account/mail/", { body })));
            }}
          >
            {says.digest}
          </button>
          <p class="note">{settings.verified ? says.digestAbout : says.digestUnverified}</p>
        </>
      )}
      <form class="password" onSubmit={change}>
        <div class="labelled">
          <label for="mail-new">{says.newAddress}</label>
          <input id="mail-new" name="email" type="email" autocomplete="email" dir="auto" required />
        </div>
        <div class="labelled">
          <label for="mail-password">{later.account.password}</label>
          <input
            id="mail-password"
            name="password"
            type="password"
            autocomplete="current-password"
            required
          />
        </div>
        <button type="submit" disabled={busy}>
          {says.changeAddress}
        </button>
      </form>
      <p class={problem ? "alert" : "note"} role={problem ? "alert" : "status"}>
        {problem || said}
      </p>
    </>
  );
}
