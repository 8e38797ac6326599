/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import type { LinkToken } from "../rooms/linktoken.ts";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";
import { post } from "./requests.ts";

interface TicketProps {
  readonly ticket: LinkToken;
  /** What the link is for, and its token: `reset/…`, `verify/…` or `unsubscribe/…`. */
  readonly link: string;
}

/** What a link in a mail leads to. Nothing happens before the person says so: programs open links too. */
export function Ticket({ ticket, link }: TicketProps) {
  const [done, setDone] = useState<string | undefined>(undefined);
  const { busy, problem, run } = useWork();
  const says = later.mail;
  const [kind, token = ""] = link.split("/", 2);

  const reset = async (password: string) => {
    await post("/account/reset/password/", { token, new: password, new2: password });
    setDone(says.passwordSet);
  };
  const verify = async () => {
    const response = await post("/account/verify/", { token });
    setDone(says.verified(((await response.json()) as { email: string }).email));
  };
  const unsubscribe = async () => {
    await post(`/account/mail/unsubscribe?token=${encodeURIComponent(token)}`);
    setDone(says.unsubscribed);
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const password = String(new FormData(event.target as HTMLFormElement).get("new") ?? "");
    void run(() => (kind === "reset" ? reset(password) : kind === "verify" ? verify() : unsubscribe()));
  };
  const [title, button] =
    kind === "reset"
      ? [says.resetTitle, says.setPassword]
      : kind === "verify"
        ? [says.verifyTitle, says.verify]
        : [says.unsubscribeTitle, says.unsubscribe];
  return (
    <main class="sign">
      <form onSubmit={submit}>
        <h1>{title}</h1>
        <p class={problem ? "alert" : "lead"} role={problem ? "alert" : "status"}>
          {problem || done || ""}
        </p>
        {done === undefined && (
          <>
            {kind === "reset" && (
              <div class="labelled">
                <label for="reset-new">{later.account.newPassword}</label>
                <input
                  id="reset-new"
                  name="new"
                  type="password"
                  autocomplete="new-password"
                  required
                  aria-describedby="reset-hint"
                />
                <small id="reset-hint">{later.sign.passwordHint}</small>
              </div>
            )}
            <button type="submit" class="main" disabled={busy}>
              {button}
            </button>
          </>
        )}
        <p class="other">
          <button type="button" class="link" onClick={() => ticket.used()}>
            {says.goOn}
          </button>
        </p>
      </form>
    </main>
  );
}
