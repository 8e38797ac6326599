import { asyncApiOf } from "../../src/http/documents/asyncapi.ts";
import { createMisfit } from "./schemas.ts";

// The frames of a socket, held against the document that the server serves.

type Frame = Readonly<Record<string, unknown>>;

/** Watches one socket; both answer what is wrong with a frame, undefined where nothing is. */
export interface FrameWatch {
  sent(data: string): void;
  received(frame: Frame): string | undefined;
}

const document = JSON.parse(JSON.stringify(asyncApiOf("test"))) as ReturnType<typeof asyncApiOf>;
const closed = createMisfit(document, { closed: true });
const open = createMisfit(document, { closed: false });
const { messages } = document.components;

/** What the server sends fits the document, to the last field. */
function serverFault(name: string, frame: Frame): string | undefined {
  if (!(name in messages)) return "the document knows no such frame";
  return closed(frame, "components", "messages", name, "payload");
}

/** Whether the document allows what a client sent. */
function clientFault(name: string, frame: unknown): string | undefined {
  if (!(name in messages)) return "the document knows no such command";
  return open(frame, "components", "messages", name, "payload");
}

/** A socket that speaks chat.v1. What was answered `ok`, the document allows; what it did not know, it does not tell of. */
export function watchV1(): FrameWatch {
  const commands = new Map<number, Frame>();
  return {
    sent(data) {
      const frame = objectOf(data);
      if (typeof frame?.ref === "number") commands.set(frame.ref, frame);
    },
    received(frame) {
      const { type, ref, code } = frame as { type?: string; ref?: number; code?: string };
      const command = ref === undefined ? undefined : commands.get(ref);
      if (type !== "ok" && type !== "error") return serverFault(`event.${type}`, frame);
      if (type === "error") {
        const known = typeof command?.type === "string" && `command.${command.type}` in messages;
        if (known && code === "unknown_command") return "the document knows the command";
        return serverFault("reply.error", frame);
      }
      if (!command) return "it answers no command";
      const refused = clientFault(`command.${String(command.type)}`, command);
      if (refused)
        return `its command was accepted, but ${refused}: ${JSON.stringify(command).slice(0, 500)}`;
      return serverFault(`reply.${String(command.type)}`, frame);
    },
  };
}

/** A socket that speaks plain. What has come back was allowed by the document. */
export function watchPlain(): FrameWatch {
  const sent = new Map<string, Frame>();
  return {
    sent(data) {
      const frame = objectOf(data);
      if (typeof frame?.clientId === "string") sent.set(frame.clientId.toLowerCase(), frame);
    },
    received(frame) {
      if ("error" in frame) return serverFault("plain.error", frame);
      const own = sent.get(String(frame.clientId));
      const refused = own && clientFault("plain.send", own);
      if (refused) return `it was accepted, but ${refused}: ${JSON.stringify(own).slice(0, 500)}`;
      return serverFault("plain.message", frame);
    },
  };
}

function objectOf(data: string): Frame | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? (value as Frame) : undefined;
  } catch {
    return undefined;
  }
}
