import { readFileSync } from 'node:fs';

/*
 * `node scripts/tally.ts <vitest.json> <exit code of the test command>`: prints `N passed, N failed` and exits non-zero
 * when anything failed, or when nothing ran. A step that failed before or beside the tests counts as one failure.
 */

const [reportPath = '', exitCode = '1'] = process.argv.slice(2);
const { passed, failed } = countTests(reportPath);
const extra = failed === 0 && (exitCode !== '0' || passed === 0) ? 1 : 0;
process.stdout.write(`${passed} passed, ${failed + extra} failed\n`);
process.exitCode = failed + extra === 0 ? 0 : 1;

function countTests(path: string): { readonly passed: number; readonly failed: number } {
  let report: unknown;
  try {
    report = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { passed: 0, failed: 0 };
  }
  const failedTests = readCount(report, 'numFailedTests');
  // A file that cannot be loaded fails as a suite and has no tests to count.
  const failedSuites = failedTests === 0 ? readCount(report, 'numFailedTestSuites') : 0;
  return { passed: readCount(report, 'numPassedTests'), failed: failedTests + failedSuites };
}

function readCount(report: unknown, name: string): number {
  if (typeof report !== 'object' || report === null) return 0;
  const value = new Map<string, unknown>(Object.entries(report)).get(name);
  return typeof value === 'number' ? value : 0;
}
