import type { Named } from "../../person.ts";
import type { Change } from "../change.ts";

/** Roughly what a frame has besides names, text and data, in bytes. */
const FRAME_BYTES = 230;

const senderBytes = ({ username, user: { id, name } }: Named): number =>
  Buffer.byteLength(username) + Buffer.byteLength(id) + (name === undefined ? 0 : Buffer.byteLength(name));

/** Roughly the bytes of the frame that a change becomes. For amendments the message is unknown here, so it is a lower bound. */
export const bytesOf = (change: Change): number => {
  const text = "content" in change ? Buffer.byteLength(JSON.stringify(change.content)) : 0;
  const data = "data" in change && change.data ? Buffer.byteLength(change.data) : 0;
  const sender = "username" in change ? senderBytes(change) : 0;
  return FRAME_BYTES + Buffer.byteLength(change.room) + sender + text + data;
};
