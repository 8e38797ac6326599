/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import type { Chat } from "../../client/index.ts";
import type { LinkToken } from "./linktoken.ts";
import { hrefOf } from "../page/place.ts";
import { later } from "../words/later.ts";
import { faultText } from "../words/problems.ts";

interface JoiningProps {
  readonly chat: Chat;
  readonly invited: LinkToken;
  readonly token: string;
}

/** Asks whether to join the room of an invitation link: whoever sent it could have made the choice for the person. */
export function Joining({ chat, invited, token }: JoiningProps) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => setProblem(""), [token]);
  const join = async () => {
    setBusy(true);
    try {
      const { name } = await chat.redeem(token);
      location.hash = hrefOf({ view: "room", name });
      invited.used();
    } catch (error) {
      setProblem(faultText(error));
    }
    setBusy(false);
  };
  return (
    <main class="blank">
      <h2>{later.joining.title}</h2>
      <p class="alert" role="alert">
        {problem}
      </p>
      <div class="choices">
        <button type="button" onClick={() => invited.used()}>
          {later.joining.no}
        </button>
        <button type="button" class="main" disabled={busy} onClick={() => void join()}>
          {later.joining.yes}
        </button>
      </div>
    </main>
  );
}
