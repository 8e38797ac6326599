import { readFileSync } from "node:fs";

/** Ticks a second in /proc (sysconf _SC_CLK_TCK), which Linux has had at 100 on every platform for long. */
const TICKS = 100;

/** Seconds of CPU that a process has used by all its threads, in the kernel too; its children do not count. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is a name that may contain anything, in parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Rss:\s+(\d+) kB/m.exec(rollup)?.[1]) * 1024;
}
