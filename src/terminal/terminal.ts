/** The terminal, or the pipes, of the process that chats. */
export interface Terminal {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes a line to standard output. */
  out(line: string): void;
  /** Writes a line to standard error. */
  err(line: string): void;
  /** Yields the lines of standard input as they arrive. */
  lines(): AsyncIterable<string>;
  /** Prompts; returns undefined if there is nobody to ask. `secret` hides what is typed. */
  ask(question: string, secret: boolean): string | undefined | Promise<string | undefined>;
  /** Resolves at the first SIGINT or SIGTERM. */
  untilSignal(): Promise<void>;
}
