import { readdirSync, readFileSync } from 'node:fs';

/*
 * What the kernel says of a process and its descendants. Where there is no /proc, everything is NaN and the bench prints
 * a dash.
 */

/** USER_HZ; Linux fixes it at 100 for what /proc shows. */
const ticksPerSecond = 100;

/** User and system time of the process tree so far, in milliseconds; steps of 10 ms a process. */
export function readCpuMs(pid: number): number {
  return sumOver(pid, (each) => {
    const fields = statFields(each);
    return ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksPerSecond;
  });
}

/** Resident memory of the process tree in kB (1,024 bytes). */
export function readRssKb(pid: number): number {
  return sumOver(pid, (each) => {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${each}/status`, 'utf8'));
    return line === null ? 0 : Number(line[1]);
  });
}

function sumOver(pid: number, read: (pid: number) => number): number {
  try {
    return [pid, ...descendants(pid)].reduce((sum, each) => sum + read(each), 0);
  } catch {
    return Number.NaN;
  }
}

/** Fields of /proc/PID/stat after the command's name, which may hold anything: [0] state, [1] parent, [11] utime, [12] stime. */
function statFields(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function descendants(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const each = Number(name);
    if (!Number.isInteger(each)) continue;
    try {
      parents.set(each, Number(statFields(each)[1]));
    } catch {
      // It ended while we looked.
    }
  }
  const found: number[] = [];
  let generation = [pid];
  while (generation.length > 0) {
    generation = [...parents].filter(([, parent]) => generation.includes(parent)).map(([child]) => child);
    found.push(...generation);
  }
  return found;
}
