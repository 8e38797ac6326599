import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

/** The facts about the machine that are printed with the figures. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly bun: string;
  readonly postgres: string;
  /** The one-minute load average before the benchmark began. Other work on the machine distorts every figure. */
  readonly loadAverage: number;
  readonly at: string;
}

export const machineFacts = (postgres: string): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release().split(".", 2).join("."),
  bun: Bun.version,
  postgres,
  loadAverage: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  at: new Date().toISOString().slice(0, 10),
});

/** Returns an explanation if the limit of open files is too low for this many sockets, otherwise undefined. */
export function fileLimitProblem(sockets: number): string | undefined {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  if (soft === undefined || Number(soft) >= sockets + 500) return undefined;
  return `the limit is ${soft} open files, too low for ${sockets} sockets: run \`ulimit -n 20000\` first`;
}
