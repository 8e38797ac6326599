import type { Scenario } from "./scenario.ts";
import { embedded } from "./scenarios/embedded.ts";
import { fanoutPlain, fanoutV1 } from "./scenarios/fanout.ts";
import { history } from "./scenarios/history.ts";
import { idle } from "./scenarios/idle.ts";
import { joins } from "./scenarios/joins.ts";
import { largeRoom } from "./scenarios/large-room.ts";
import { logins } from "./scenarios/logins.ts";
import { nodes } from "./scenarios/nodes.ts";
import { page } from "./scenarios/page.ts";
import { pairs } from "./scenarios/pairs.ts";
import { restart } from "./scenarios/restart.ts";
import { resume } from "./scenarios/resume.ts";
import { soak } from "./scenarios/soak.ts";
import { steady } from "./scenarios/steady.ts";

export const SCENARIOS: readonly Scenario[] = [
  ...[fanoutV1, fanoutPlain, pairs, steady, largeRoom],
  ...[nodes, idle, restart, resume, joins],
  ...[history, page, logins, embedded, soak],
];
