/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";
import { post } from "./requests.ts";

interface ForgotProps {
  readonly close: () => void;
}

/** Has a link sent that sets a new password. Whether there is such an account, nobody learns. */
export function Forgot({ close }: ForgotProps) {
  const [sentTo, setSentTo] = useState<string | undefined>(undefined);
  const { busy, problem, run } = useWork();
  const says = later.mail;
  const submit = async (event: Event) => {
    event.preventDefault();
    const email = String(new FormData(event.target as HTMLFormElement).get("email")).trim();
    if (await run(() => post("/account/reset/", { email }))) setSentTo(email);
  };
  return (
    <main class="sign">
      <form onSubmit={submit}>
        <h1>{says.forgotTitle}</h1>
        {sentTo === undefined ? (
          <>
            <p class="lead">{says.forgotAbout}</p>
            <p class="alert" role="alert">
              {problem}
            </p>
            <div class="labelled">
              <label for="forgot-email">{later.sign.email}</label>
              <input
                id="forgot-email"
                name="email"
                type="email"
                autocomplete="username"
                dir="auto"
                required
              />
            </div>
            <button type="submit" class="main" disabled={busy}>
              {says.sendLink}
            </button>
          </>
        ) : (
          <p class="lead" role="status">
            {says.linkSent(sentTo)}
          </p>
        )}
        <p class="other">
          <button type="button" class="link" onClick={close}>
            {says.backToSignIn}
          </button>
        </p>
      </form>
    </main>
  );
}
