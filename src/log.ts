import pino, { type DestinationStream, type Logger } from "pino";

export type Log = Logger;

/**
 * Creates the log: one JSON line per event on standard output, written synchronously so that no line is lost
 * when the process ends. Never log tokens, passwords or the content of messages.
 */
export const createLog = (
  level: string,
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Log => pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, destination);
