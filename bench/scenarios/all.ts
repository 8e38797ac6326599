import type { Scenario } from "../scenario.ts";
import { consumers } from "./consumers.ts";
import { embedded } from "./embedded.ts";
import { events } from "./events.ts";
import { first } from "./first.ts";
import { files } from "./files.ts";
import { fanoutPlain, fanoutV1 } from "./fanout.ts";
import { history } from "./history.ts";
import { idle } from "./idle.ts";
import { joins } from "./joins.ts";
import { largeRoom } from "./large-room.ts";
import { lists } from "./lists.ts";
import { logins } from "./logins.ts";
import { members } from "./members.ts";
import { nodes } from "./nodes.ts";
import { page } from "./page.ts";
import { pairs } from "./pairs.ts";
import { privatePairs } from "./private.ts";
import { restart } from "./restart.ts";
import { resume } from "./resume.ts";
import { search } from "./search.ts";
import { soak } from "./soak.ts";
import { steady } from "./steady.ts";

export const SCENARIOS: readonly Scenario[] = [
  ...[fanoutV1, fanoutPlain, pairs, ...steady, first, largeRoom],
  ...[nodes, idle, restart, resume, joins],
  ...[privatePairs, members, consumers],
  ...[history, lists, search, events, files, page, logins, embedded, soak],
];
