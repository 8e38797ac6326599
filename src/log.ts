import pino, { type DestinationStream, type Logger } from "pino";

export type Log = Logger;

/**
 * The log: one JSON line an event on standard output, written at once, so that the last line before an end is there.
 * Tokens, passwords and the content of messages are never given to it.
 */
export const createLog = (
  level: string,
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Log => pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, destination);
