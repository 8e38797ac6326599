import type { Ledger } from "./ledger.ts";

export type Frame = Record<string, unknown>;
export type Command = { readonly type: string } & Frame;

interface LineOptions {
  readonly url: string;
  readonly token: string;
  readonly quietMs: number;
  readonly ledger: Ledger;
  /** Called for each frame that is not a reply. */
  event(frame: Frame): void;
  closed(code: number): void;
}

/** One socket. Verifies that each command gets exactly one reply. */
export interface Line {
  /** Whether `welcome` has arrived. */
  readonly open: boolean;
  /** Sends a command and resolves with the reply, or with undefined if the socket ends first. */
  ask(command: Command): Promise<Frame | undefined>;
  close(): void;
}

const LOOK_MS = 250;

export function createLine({ url, token, quietMs, ledger, event, closed }: LineOptions): Line {
  const socket = new WebSocket(url, ["chat.v1", `bearer.${token}`]);
  const pending = new Map<number, { resolve(reply: Frame | undefined): void; at: number }>();
  let lastRef = 0;
  let open = false;
  let closingReceived = false;
  let lastFrameAt = performance.now();
  let pinged = false;
  let over = false;

  const ask = (command: Command) =>
    new Promise<Frame | undefined>((resolve) => {
      if (socket.readyState !== WebSocket.OPEN) return resolve(undefined);
      const ref = ++lastRef;
      pending.set(ref, { resolve, at: performance.now() });
      socket.send(JSON.stringify({ ...command, ref }));
    });

  const watch = setInterval(() => {
    const quiet = performance.now() - lastFrameAt;
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
    lastFrameAt = performance.now();
    pinged = false;
    const frame = JSON.parse(String(data)) as Frame;
    if (frame.type === "welcome") open = true;
    if (frame.type === "closing") closingReceived = true;
    if (frame.ref === undefined) return event(frame);
    const command = pending.get(frame.ref as number);
    pending.delete(frame.ref as number);
    if (!command) return ledger.breach(`an unexpected reply: ${data}`);
    ledger.replied(lastFrameAt - command.at);
    command.resolve(frame);
  };
  function giveUp(code: number) {
    if (over) return;
    over = true;
    clearInterval(watch);
    open = false;
    for (const { resolve } of pending.values()) resolve(undefined);
    pending.clear();
    // Do not wait for the close handshake: over a dead network it never completes.
    if (socket.readyState < WebSocket.CLOSING) socket.close();
    closed(code);
  }

  socket.onclose = ({ code }) => {
    if (over) return;
    ledger.count(`closed ${code}`);
    // Before `welcome` the server need not send `closing`.
    if (code === 4000 && open && !closingReceived)
      ledger.breach("closed with 4000 without a `closing` frame");
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
