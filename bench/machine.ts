import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

/** What figures mean nothing without. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly bun: string;
  readonly postgres: string;
  /** Of the last minute, before the bench began: other work on the machine blurs every figure. */
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

/** How many files this process and its children may open, and what that is too little for; undefined where it is enough. */
export function fileLimitProblem(sockets: number): string | undefined {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  if (soft === undefined || Number(soft) >= sockets + 500) return undefined;
  return `only ${soft} files may be open: run \`ulimit -n 20000\` first for scenarios of ${sockets} sockets`;
}
