/** The process that a command runs in. */
export interface Context {
  /** The arguments after the command's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Returns who runs the command: the shell's user or, with sudo, the user who called it. */
  user(): string;
  /** The machine's name. */
  readonly machine: string;
  /** The command line that starts this program: its own file, or Bun and the entry point. */
  readonly program: readonly string[];
  /** The channel to the process that started this one as a worker, if any. */
  readonly parent: Channel | undefined;
  /** Writes a line to standard output. */
  out(line: string): void;
  /** Writes a line to standard error. */
  err(line: string): void;
  /** Reads all of standard input; empty if it is a terminal. */
  input(): Promise<string>;
  /** Yields the lines of standard input as they arrive. */
  lines(): AsyncIterable<string>;
  /** Prompts at the terminal; returns undefined if there is none. `secret` hides what is typed. */
  ask(question: string, secret: boolean): string | undefined;
  /** Resolves at the first SIGINT or SIGTERM. If nothing waits for it, a signal ends the process at once. */
  untilSignal(): Promise<void>;
}

/** A channel to another process of this program. */
export interface Channel {
  send(message: object): void;
  listen(receive: (message: unknown) => void): void;
  /** Resolves when the other process has ended. */
  readonly gone: Promise<void>;
}

/** A command of the program. */
export interface Command {
  readonly name: string;
  /** Its arguments, for the help. */
  readonly usage?: string;
  readonly about: string;
  /** @returns the exit code. */
  run(context: Context): Promise<number>;
}

/** A command failed. The message says in one line what to do. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
