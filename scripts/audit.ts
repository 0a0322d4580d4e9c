import { spawnSync } from 'node:child_process';

/*
 * `npm audit` where the registry answers it: fails on a high or critical advisory against what is shipped. Mirrors and
 * machines without a network have no advisories to give; that is said, and is no failure.
 */

const run = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8', timeout: 60_000 });
const counts = readCounts(run.stdout ?? '');
if (counts === undefined) {
  process.stdout.write('npm audit: the registry gives no advisories here; not checked\n');
} else {
  const grave = counts.high + counts.critical;
  process.stdout.write(`npm audit: ${counts.critical} critical, ${counts.high} high, ${counts.moderate} moderate, ${counts.low} low\n`);
  if (grave > 0) process.exitCode = 1;
}

function readCounts(text: string): { readonly critical: number; readonly high: number; readonly moderate: number; readonly low: number } | undefined {
  let report: unknown;
  try {
    report = JSON.parse(text);
  } catch {
    return undefined;
  }
  const found = readMember(readMember(report, 'metadata'), 'vulnerabilities');
  if (found === undefined) return undefined;
  const count = (name: string): number => Number(readMember(found, name) ?? 0);
  return { critical: count('critical'), high: count('high'), moderate: count('moderate'), low: count('low') };
}

function readMember(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? new Map<string, unknown>(Object.entries(value)).get(name) : undefined;
}
