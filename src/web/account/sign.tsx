/** @jsxImportSource hono/jsx/dom */
import { useEffect, useState } from "hono/jsx/dom";
import { type Chat, ChatError } from "../../client/index.ts";
import { lazy } from "../parts/lazy.tsx";
import type { Registration } from "./registration.ts";
import { later } from "../words/later.ts";
import { faultText, fieldProblem } from "../words/sentences.ts";

const Forgot = lazy(() => import("./forgot.tsx").then(({ Forgot }) => Forgot));

interface Problem {
  readonly text: string;
  /** What is wrong with each field. */
  readonly fields: Readonly<Record<string, string>>;
}

interface SignProps {
  readonly chat: Chat;
  /** Why the last session ended. */
  readonly why: string | undefined;
  readonly registration: Registration;
}

/** The form for signing in and signing up. */
export function Sign({ chat, why, registration }: SignProps) {
  const { who, invite } = registration.snapshot();
  const mayRegister = who === "open" || (who === "invite" && invite !== undefined);
  const [isNew, setNew] = useState(mayRegister && invite !== undefined);
  const [forgot, setForgot] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);

  // Screen readers read the field with what is wrong with it.
  useEffect(() => document.querySelector<HTMLElement>(".sign [aria-invalid]")?.focus(), [problem]);

  const submit = async (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const value = (name: string) => String(form.get(name) ?? "");
    const person = { email: value("email").trim(), password: value("password") };
    const username = value("username").trim();
    setBusy(true);
    setProblem(undefined);
    try {
      await (isNew
        ? chat.register({ ...person, ...(username && { username }), ...(invite && { invite }) })
        : chat.login(person));
      if (isNew) registration.used();
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };

  const field = (name: string, label: string, type: string, autocomplete: string, hint = "") => {
    const wrong = problem?.fields[name];
    return (
      <div class="labelled" key={name}>
        <label for={name}>{label}</label>
        <input
          id={name}
          name={name}
          type={type}
          autocomplete={autocomplete}
          dir="auto"
          required={name !== "username"}
          aria-invalid={wrong ? "true" : undefined}
          aria-describedby={`${name}-hint`}
        />
        <small id={`${name}-hint`} class={wrong ? "alert" : undefined}>
          {wrong ?? hint}
        </small>
      </div>
    );
  };

  if (forgot) return <Forgot close={() => setForgot(false)} />;
  return (
    <main class="sign">
      <form onSubmit={submit}>
        <h1 class="brand">Parley</h1>
        <p class="lead">{isNew ? later.sign.leadNew : later.sign.lead}</p>
        <p class="alert" role="alert">
          {problem?.text ?? (why && !isNew ? why : "")}
        </p>
        {field("email", later.sign.email, "email", "username")}
        {isNew && field("username", later.sign.username, "text", "nickname", later.sign.usernameHint)}
        {field(
          "password",
          later.sign.password,
          "password",
          isNew ? "new-password" : "current-password",
          isNew ? later.sign.passwordHint : "",
        )}
        <button type="submit" class="main" disabled={busy}>
          {isNew ? later.sign.signUp : later.sign.signIn}
        </button>
        {!isNew && "mails" in document.documentElement.dataset && (
          <p class="other">
            <button type="button" class="link" onClick={() => setForgot(true)}>
              {later.sign.forgot}
            </button>
          </p>
        )}
        {mayRegister ? (
          <p class="other">
            {isNew ? later.sign.hasAccount : later.sign.isNew}{" "}
            <button
              type="button"
              class="link"
              onClick={() => {
                setNew(!isNew);
                setProblem(undefined);
              }}
            >
              {isNew ? later.sign.signIn : later.sign.create}
            </button>
          </p>
        ) : (
          <p class="other">{who === "invite" ? later.sign.askForLink : later.sign.askForAccount}</p>
        )}
      </form>
    </main>
  );
}

function problemOf(error: unknown): Problem {
  const errors = (error instanceof ChatError && error.errors) || {};
  const fields = Object.entries(errors).map(([field, [fault = ""]]) => [field, fieldProblem(field, fault)]);
  const isSaid = error instanceof ChatError && error.code === "invalid" && fields.length > 0;
  return { text: isSaid ? "" : faultText(error), fields: Object.fromEntries(fields) };
}
