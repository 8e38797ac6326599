/** What a command has of the process it runs in. */
export interface Context {
  /** What follows the command's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** What starts this program: itself, or Bun and the file. */
  readonly program: readonly string[];
  /** The process that started this one as a worker, if one did. */
  readonly parent: Channel | undefined;
  /** Writes a line to standard output, or to standard error. */
  out(line: string): void;
  err(line: string): void;
  /** All of standard input; empty where that is a terminal. */
  input(): Promise<string>;
  /** Standard input, line by line, as it comes. */
  lines(): AsyncIterable<string>;
  /** Asks the person at the terminal; undefined where there is none. `secret`: what is typed is not shown. */
  ask(question: string, secret: boolean): string | undefined;
  /** Resolves at the first SIGINT or SIGTERM. Where nobody waits, a signal ends the process at once. */
  untilSignal(): Promise<void>;
}

/** The way to another process of this program. */
export interface Channel {
  send(message: object): void;
  listen(hear: (message: unknown) => void): void;
  /** Resolves when the other process is gone. */
  readonly gone: Promise<void>;
}

/** Something that the program can be told to do. */
export interface Command {
  readonly name: string;
  /** The arguments it takes, for the help. */
  readonly usage?: string;
  readonly about: string;
  /** @returns the exit code. */
  run(context: Context): Promise<number>;
}

/** A command cannot do what it was told; the message is one line that says what to do. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
