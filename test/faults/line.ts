import type { Ledger } from "./ledger.ts";

export type Frame = Record<string, unknown>;
export type Command = { readonly type: string } & Frame;

interface LineOptions {
  readonly url: string;
  readonly token: string;
  readonly quietMs: number;
  readonly ledger: Ledger;
  /** Every frame that is not the answer to a command. */
  event(frame: Frame): void;
  closed(code: number): void;
}

/** One socket: commands with their answers, exactly one each, and events. */
export interface Line {
  /** The server has greeted. */
  readonly open: boolean;
  /** The answer; nothing where the socket ends first. */
  ask(command: Command): Promise<Frame | undefined>;
  close(): void;
}

const LOOK_MS = 250;

export function createLine({ url, token, quietMs, ledger, event, closed }: LineOptions): Line {
  const socket = new WebSocket(url, ["chat.v1", `bearer.${token}`]);
  const asked = new Map<number, { resolve(reply: Frame | undefined): void; at: number }>();
  let lastRef = 0;
  let open = false;
  let told = false;
  let heard = performance.now();
  let pinged = false;
  let over = false;

  const ask = (command: Command) =>
    new Promise<Frame | undefined>((resolve) => {
      if (socket.readyState !== WebSocket.OPEN) return resolve(undefined);
      const ref = ++lastRef;
      asked.set(ref, { resolve, at: performance.now() });
      socket.send(JSON.stringify({ ...command, ref }));
    });

  const watch = setInterval(() => {
    const quiet = performance.now() - heard;
    if (open && quiet > quietMs && !pinged) {
      pinged = true;
      void ask({ type: "ping" });
    } else if (quiet > 2 * quietMs) {
      ledger.count("given up");
      giveUp(1006);
    }
  }, LOOK_MS);

  socket.onmessage = ({ data }) => {
    if (over) return;
    heard = performance.now();
    pinged = false;
    const frame = JSON.parse(String(data)) as Frame;
    if (frame.type === "welcome") open = true;
    if (frame.type === "closing") told = true;
    if (frame.ref === undefined) return event(frame);
    const question = asked.get(frame.ref as number);
    asked.delete(frame.ref as number);
    if (!question) return ledger.breach(`an answer too many: ${data}`);
    ledger.replied(heard - question.at);
    question.resolve(frame);
  };
  function giveUp(code: number) {
    if (over) return;
    over = true;
    clearInterval(watch);
    open = false;
    for (const { resolve } of asked.values()) resolve(undefined);
    asked.clear();
    // A dead network answers no goodbye: the socket is closed, and nobody waits for it.
    if (socket.readyState < WebSocket.CLOSING) socket.close();
    closed(code);
  }

  socket.onclose = ({ code }) => {
    if (over) return;
    ledger.count(`closed ${code}`);
    // One that was not let in has no use for being told when to come back.
    if (code === 4000 && open && !told) ledger.breach("closed with 4000 without having been told");
    giveUp(code);
  };

  return {
    get open() {
      return open;
    },
    ask,
    close() {
      over = true;
      clearInterval(watch);
      socket.close(1000);
    },
  };
}
