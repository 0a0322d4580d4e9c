import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const script = resolve(import.meta.dirname, '../../../scripts/tally.ts');

function tally(report: unknown, exitCode: number): { readonly line: string; readonly status: number | null } {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-tally-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'vitest.json');
  if (report !== undefined) writeFileSync(path, JSON.stringify(report));
  const { stdout, status } = spawnSync(process.execPath, [script, path, String(exitCode)], { encoding: 'utf8' });
  return { line: stdout, status };
}

describe('the last line of .ci/run', () => {
  it('counts what passed, and ends with 0 only then', () => {
    expect(tally({ numPassedTests: 12, numFailedTests: 0, numFailedTestSuites: 0 }, 0)).toEqual({ line: '12 passed, 0 failed\n', status: 0 });
  });

  it.each([
    ['a failed test', { numPassedTests: 11, numFailedTests: 1, numFailedTestSuites: 2 }, 1, '11 passed, 1 failed\n'],
    ['a file that cannot be loaded', { numPassedTests: 11, numFailedTests: 0, numFailedTestSuites: 1 }, 1, '11 passed, 1 failed\n'],
    ['no report, because lint or types stopped it', undefined, 1, '0 passed, 1 failed\n'],
    ['nothing that ran', { numPassedTests: 0, numFailedTests: 0 }, 0, '0 passed, 1 failed\n'],
    ['a step that failed beside passing tests', { numPassedTests: 12, numFailedTests: 0 }, 1, '12 passed, 1 failed\n'],
  ])('%s is a failure', (_case, report, exitCode, line) => {
    expect(tally(report, exitCode)).toEqual({ line, status: 1 });
  });
});
