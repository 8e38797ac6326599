import type { Attack } from "../target.ts";
import { connections } from "./connections.ts";
import { files } from "./files.ts";
import { finding } from "./finding.ts";
import { frames } from "./frames.ts";
import { hooks } from "./hooks.ts";
import { logins } from "./logins.ts";
import { members } from "./members.ts";
import { reads } from "./reads.ts";
import { rooms } from "./rooms.ts";
import { texts } from "./texts.ts";

/** All attacks. Whoever adds a way to cost the server something adds one here. */
export const ATTACKS: readonly Attack[] = [
  ...texts,
  ...frames,
  ...members,
  ...reads,
  ...rooms,
  ...files,
  ...finding,
  ...hooks,
  ...logins,
  ...connections,
];
