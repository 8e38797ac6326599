import { asyncApiOf } from "../../src/http/documents/asyncapi.ts";
import { createMisfit } from "./schemas.ts";

// Verifies the frames of a socket against the AsyncAPI document that the server serves.

type Frame = Readonly<Record<string, unknown>>;

/** Watches the frames of one socket. */
export interface FrameWatch {
  /** Records a sent frame, so that its reply can be verified. */
  sent(data: string): void;
  /** Returns what is wrong with a received frame, or undefined. */
  received(frame: Frame): string | undefined;
}

const document = JSON.parse(JSON.stringify(asyncApiOf("test"))) as ReturnType<typeof asyncApiOf>;
const closed = createMisfit(document, { closed: true });
const open = createMisfit(document, { closed: false });
const { messages } = document.components;

/** Verifies a frame from the server. The document must contain all its fields. */
function serverFault(name: string, frame: Frame): string | undefined {
  if (!(name in messages)) return "the document has no such frame";
  return closed(frame, "components", "messages", name, "payload");
}

/** Verifies a frame from a client, which may have further fields. */
function clientFault(name: string, frame: unknown): string | undefined {
  if (!(name in messages)) return "the document has no such command";
  return open(frame, "components", "messages", name, "payload");
}

/**
 * Watches a chat.v1 socket. A command that got `ok` must match the document. A command that got `unknown_command` must
 * not be in it.
 */
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
        if (known && code === "unknown_command") return "the document contains the command";
        return serverFault("reply.error", frame);
      }
      if (!command) return "it replies to no command";
      const refused = clientFault(`command.${String(command.type)}`, command);
      if (refused)
        return `its command was accepted, but ${refused}: ${JSON.stringify(command).slice(0, 500)}`;
      return serverFault(`reply.${String(command.type)}`, frame);
    },
  };
}

/** Watches a plain socket. A message that the server echoes must match the document. */
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
      if (refused) return `the message was accepted, but ${refused}: ${JSON.stringify(own).slice(0, 500)}`;
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
