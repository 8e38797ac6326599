/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { type Chat, ChatError } from "../client/index.ts";
import type { Registration } from "./registration.ts";

interface Problem {
  readonly text: string;
  readonly fields: Readonly<Record<string, readonly string[]>>;
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
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);

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
    const wrong = problem?.fields[name]?.[0];
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
          {wrong ? `It ${wrong}.` : hint}
        </small>
      </div>
    );
  };

  return (
    <main class="sign">
      <form onSubmit={submit}>
        <h1 class="brand">Parley</h1>
        <p class="lead">{isNew ? "Create an account." : "Sign in to chat."}</p>
        <p class="alert" role="alert">
          {problem?.text ?? (why && !isNew ? why : "")}
        </p>
        {field("email", "Email", "email", "username")}
        {isNew &&
          field(
            "username",
            "Name",
            "text",
            "nickname",
            "Shown to others. If empty, it is derived from your email.",
          )}
        {field(
          "password",
          "Password",
          "password",
          isNew ? "new-password" : "current-password",
          isNew ? "At least 8 characters, such as a few words." : "",
        )}
        <button type="submit" class="main" disabled={busy}>
          {isNew ? "Sign up" : "Sign in"}
        </button>
        {mayRegister ? (
          <p class="other">
            {isNew ? "Already have an account?" : "New here?"}{" "}
            <button
              type="button"
              class="link"
              onClick={() => {
                setNew(!isNew);
                setProblem(undefined);
              }}
            >
              {isNew ? "Sign in" : "Create an account"}
            </button>
          </p>
        ) : (
          <p class="other">
            New here? Ask the operator of this server for {who === "invite" ? "a link" : "an account"}.
          </p>
        )}
      </form>
    </main>
  );
}

function problemOf(error: unknown): Problem {
  if (!(error instanceof ChatError)) return { text: String(error), fields: {} };
  const fields = error.errors ?? {};
  // The errors of the fields say more than the general message.
  return { text: error.code === "invalid" && error.errors ? "" : error.message, fields };
}
