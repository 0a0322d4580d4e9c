import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { Children } from '../process/children.ts';
import { showNumber } from '../report/numbers.ts';
import { writeSection, type Section } from '../report/section.ts';
import { renderTerminal } from '../report/terminal.ts';
import { measureKeys, measureTokens, type CheckTimes, type KeyCheckTimes } from './checks.ts';
import { measureIssuing, type IssueTimes } from './issue.ts';

/*
 * `npm run bench -- --credentials`: what a check of a managed key and of an access token costs, with one key in the store and with a
 * million, and how many tokens are issued a second, beside the library's own defaults.
 */

export async function runCredentialsBench({ isWriting, isQuick }: { readonly isWriting: boolean; readonly isQuick: boolean }): Promise<number> {
  const children = new Children();
  const folder = mkdtempSync(join(tmpdir(), 'keyward-bench-credentials-'));
  const leave = (): void => void children.stopAll().finally(() => process.exit(130));
  process.once('SIGINT', leave);
  process.once('SIGTERM', leave);
  const loadBefore = loadavg()[0] ?? Number.NaN;
  try {
    const issued = await measureIssuing(children, folder, isQuick ? 2_000 : 5_000);
    await children.stopAll();
    const tokens = measureTokens(folder);
    const keys = [1, isQuick ? 100_000 : 1_000_000].map((count) => measureKeys(folder, count));
    const section = describe(issued, tokens, keys, loadBefore);
    process.stdout.write(`${section.head}\n${section.tables.map(renderTerminal).join('')}`);
    if (isWriting) writeSection('credentials', section);
    return 0;
  } finally {
    await children.stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe(issued: readonly IssueTimes[], tokens: readonly CheckTimes[], keys: readonly KeyCheckTimes[], loadBefore: number): Section {
  const processors = cpus();
  const machine = `${processors.length} × ${processors[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}`;
  const row = ({ title, p50Us, p99Us }: CheckTimes): readonly string[] => [title, showNumber(p50Us, 1), showNumber(p99Us, 1)];
  return {
    head: `Measured ${new Date().toISOString().slice(0, 10)} with \`npm run bench -- --credentials\`, Node ${process.version}, ${machine}, load average ${loadBefore.toFixed(2)} before.`,
    tables: [
      { title: 'A check', columns: ['what', 'p50 µs', 'p99 µs'], rows: tokens.map(row) },
      {
        title: 'Managed keys',
        columns: ['keys in the store', 'seen before p50 µs', 'p99 µs', 'first sight p50 µs', 'p99 µs', 'MB the store and its cache hold'],
        rows: keys.map(({ keys: count, seen, first, residentKb }) => [showNumber(count), showNumber(seen.p50Us, 1), showNumber(seen.p99Us, 1), showNumber(first.p50Us, 1), showNumber(first.p99Us, 1), showNumber(residentKb / 1_024, 1)]),
      },
      { title: 'Issuing by client credentials, 8 connections', columns: ['issuer', 'tokens/s', 'tokens a CPU second', 'failed'], rows: issued.map(({ title, perSecond, perCpuSecond, failed }) => [title, showNumber(perSecond), showNumber(perCpuSecond), showNumber(failed)]) },
    ],
  };
}
