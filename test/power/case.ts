import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createRandom, type Random } from "../sim/random.ts";
import { memoryFolder } from "../support/folder.ts";
import { Disk, type Names } from "./disk.ts";
import type { Entry } from "./log.ts";
import { recordWorkload } from "./recording.ts";
import { smallTemplate } from "./template.ts";
import { createVerifiers } from "./verifier.ts";
import type { Acked, Note, Sent, Stored } from "./workload.ts";

// Cuts the power of this source tree: `bun test/power/case.ts --seed 1 --cuts 40 [--stop]`. Prints what came of it as one
// line of JSON. `--stop` ends at the first cut that did harm. `--older` cuts only the migration of an older directory.

/** What came of all cuts. */
export interface Tally {
  cuts: number;
  /** The database does not open, has lost acknowledged changes, or is corrupt. */
  unopened: number;
  lost: number;
  corrupt: number;
  acknowledged: number;
  /** The first cuts that did harm. */
  harm: string[];
}

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    cuts: { type: "string", default: "40" },
    stop: { type: "boolean", default: false },
    older: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1)); // removes the folder
const folder = memoryFolder();
mkdirSync(folder.path, { recursive: true });

/** What the workload had said before the power failed. */
interface Said {
  readonly asked: Sent[];
  readonly acked: Acked[];
  readonly stored: Stored[];
  /** The files of messages that may be deleted. */
  readonly dropped: string[];
}

const copyOf = ({ asked, acked, stored, dropped }: Said): Said => ({
  asked: [...asked],
  acked: [...acked],
  stored: [...stored],
  dropped: [...dropped],
});

interface Round {
  readonly name: string;
  readonly names: Names;
  /** Where the recording begins: a folder that is on the disk or was just copied there; absent: no database yet. */
  readonly from?: { readonly path: string; readonly isSynced: boolean };
  readonly said: Said;
  readonly log: readonly Entry[];
  readonly cuts: number;
}

const tally: Tally = { cuts: 0, unopened: 0, lost: 0, corrupt: 0, acknowledged: 0, harm: [] };
/** How many folders are verified at a time. */
const VERIFIERS = Math.max(2, Math.min(8, navigator.hardwareConcurrency));
const verifiers = createVerifiers(VERIFIERS);
const stopped = () => values.stop && tally.harm.length > 0;

/** Cuts the power at random points of a recording, and verifies each. Calls `kept` with the folder of each sound one. */
async function cutRound(
  round: Round,
  random: Random,
  kept?: (path: string, said: Said) => void,
): Promise<void> {
  const { log, names, from } = round;
  const opened = log.findIndex(({ operation }) => operation.do === "note");
  // What was just copied and not yet opened cannot be expected to be there.
  const first = from && !from.isSynced ? opened : 0;
  const points = momentsOf(log, first, opened, round.cuts, random);
  const disk = new Disk(names);
  if (from) disk.load(from.path, from.isSynced);
  const said = copyOf(round.said);
  const running = new Set<Promise<void>>();

  /** Verifies what a cut left behind, and removes it, unless `kept` takes it. */
  const judge = async (path: string, at: number, before: Said): Promise<void> => {
    const copy = kept && before.acked.length > 0 ? `${path}-kept` : undefined;
    if (copy) cpSync(path, copy, { recursive: true }); // the verification writes
    const verdict = await verifiers.verify({ folder: path, ...before });
    rmSync(path, { recursive: true, force: true });
    tally.acknowledged += before.acked.length;
    if (!verdict.opens) tally.unopened++;
    else if (verdict.lost > 0) tally.lost++;
    else if (verdict.problems.length > 0) tally.corrupt++;
    else {
      if (copy) kept?.(copy, before);
      return;
    }
    tally.harm.push(
      `${round.name}, ${names} names, operation ${at} of ${log.length}: ${JSON.stringify(verdict)}`,
    );
  };

  for (let at = 0, next = 0; next < points.length && !stopped(); at++) {
    const entry = log[at] as Entry;
    if (entry.operation.do === "note") {
      const note = entry.operation.what as Note;
      if ("asked" in note) said.asked.push(...note.asked);
      else if ("acked" in note) said.acked.push(...note.acked);
      else if ("stored" in note) said.stored.push(note.stored);
      else said.dropped.push(note.dropped);
    } else disk.apply(entry);
    for (; points[next] === at && !stopped(); next++) {
      const path = join(folder.path, `cut-${tally.cuts++}`);
      disk.cut(path, random);
      const work: Promise<void> = judge(path, at, copyOf(said)).finally(() => running.delete(work));
      running.add(work);
      if (running.size >= VERIFIERS) await Promise.race(running);
    }
  }
  await Promise.all(running);
}

/**
 * Picks operations after which the power fails. Most of a start only syncs files, and little of it is as delicate as a new
 * name. So a third of the cuts are during the start, after something changed, and most of these after a name did.
 */
function momentsOf(
  log: readonly Entry[],
  first: number,
  opened: number,
  count: number,
  random: Random,
): number[] {
  const during = (changes: ReadonlySet<string>) =>
    Array.from({ length: Math.max(0, opened - first) }, (_, index) => first + index).filter((at) => {
      const { operation } = log[at] as Entry;
      // The files of a new directory are created before it has its name.
      return (
        changes.has(operation.do) && !("path" in operation && operation.path?.startsWith("postgres.new/"))
      );
    });
  const starts = [during(NAMES), during(NAMES), during(CHANGES)].filter((moments) => moments.length > 0);
  const moment = () =>
    starts.length > 0 && random.chance(0.35)
      ? random.pick(random.pick(starts))
      : opened + random.below(log.length - opened);
  return Array.from({ length: count }, moment).sort((a, b) => a - b);
}

const NAMES = new Set(["create", "remove", "rename"]);
const CHANGES = new Set([...NAMES, "write", "truncate", "mkdir"]);

let recordings = 0;
async function record(
  data: string,
  template: string,
  batches: number,
  close: boolean,
): Promise<readonly Entry[]> {
  const log = join(folder.path, `log-${++recordings}`);
  const entries = await recordWorkload({
    folder: data,
    template,
    log,
    seed: seed * 1000 + recordings,
    batches,
    close,
  });
  rmSync(log);
  return entries;
}

const random = createRandom(seed);
const nothing: Said = { asked: [], acked: [], stored: [], dropped: [] };
const share = (part: number) => Math.max(1, Math.round(Number(values.cuts) * part));

/** Cuts the creation of a database and its use, and then the recovery from one of these cuts. */
async function cutNew(template: string): Promise<void> {
  const data = join(folder.path, "data");
  mkdirSync(data);
  const created = await record(data, template, 120, true);
  let crashed: { path: string; said: Said } = { path: data, said: nothing };
  for (const names of ["journal", "strict"] as const)
    await cutRound(
      { name: "a new database", names, said: nothing, log: created, cuts: share(0.2) },
      random,
      (path, said) => {
        if (crashed.path !== data) rmSync(crashed.path, { recursive: true, force: true });
        crashed = { path, said };
      },
    );
  if (stopped()) return;

  // Once more, on a database that a cut has left behind: the recovery is recorded, and cut.
  const { path, said } = crashed;
  const before = join(folder.path, "crashed");
  cpSync(path, before, { recursive: true });
  const recovered = await record(path, template, 60, false);
  for (const names of ["journal", "strict"] as const)
    await cutRound(
      {
        name: "a recovery",
        names,
        from: { path: before, isSynced: true },
        said,
        log: recovered,
        cuts: share(0.15),
      },
      random,
    );
}

/** Cuts the migration of a directory of the first version that was copied here and never synced. */
async function cutOlder(template: string): Promise<void> {
  const older = join(folder.path, "older");
  await new Bun.Archive(await Bun.file(await smallTemplate(1)).bytes()).extract(join(older, "postgres"));
  const copied = join(folder.path, "copied");
  cpSync(older, copied, { recursive: true });
  const migrated = await record(older, template, 60, false);
  for (const names of ["journal", "strict"] as const)
    await cutRound(
      {
        name: "an older directory",
        names,
        from: { path: copied, isSynced: false },
        said: nothing,
        log: migrated,
        cuts: share(0.15),
      },
      random,
    );
}

const template = await smallTemplate();
if (!values.older) await cutNew(template);
if (!stopped()) await cutOlder(template);
console.log(JSON.stringify(tally));
folder.remove();
process.exit(tally.harm.length > 0 ? 1 : 0);
