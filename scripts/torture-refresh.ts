import { parseArgs } from 'node:util';
import { renderReport, reportOn, type Report } from '../test/torture/check/report.ts';
import { keyward } from '../test/torture/harness/keyward.ts';
import { runScenario } from '../test/torture/harness/run.ts';
import { scenarios } from '../test/torture/scenarios.ts';

/*
 * `npm run torture:refresh`: four built daemons on one auth directory, one-use refresh tokens that live two seconds, 50
 * clients each, and daemons, connections and the token endpoint failing in turn. Prints figures and whether each promise
 * was kept; exit code 1 when one was broken, 2 for wrong usage, 130 after Ctrl-C (once ends in order, twice at once).
 *   --scenario  calm, slow, resets, kills or all (default)
 *   --minutes   of each scenario (default 10)
 *   --json      the reports as JSON on stdout, progress on stderr
 *   --seed      of the choices the harness makes (default: the time)
 *   --clients, --daemons, --accounts   for smaller machines (defaults 50, 4, 6)
 */

interface Options {
  readonly names: readonly string[];
  readonly minutes: number;
  readonly isJson: boolean;
  readonly seed: number;
  readonly clientsPerDaemon: number;
  readonly daemonCount: number;
  readonly identityCount: number;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function readOptions(argv: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...argv], options: { scenario: text, minutes: text, seed: text, clients: text, daemons: text, accounts: text, json: { type: 'boolean', default: false } } });
  const number = (name: string, value: string | undefined, fallback: number): number => {
    const read = value === undefined ? fallback : Number(value);
    if (!(read > 0)) throw new Error(`--${name} takes a number above 0`);
    return read;
  };
  const wanted = values.scenario ?? 'all';
  const names = scenarios.map(({ name }) => name);
  if (wanted !== 'all' && !names.includes(wanted)) throw new Error(`--scenario takes ${names.join(', ')} or all`);
  return {
    names: wanted === 'all' ? names : [wanted],
    minutes: number('minutes', values.minutes, 10),
    isJson: values.json,
    seed: number('seed', values.seed, Date.now() % 1_000_000),
    clientsPerDaemon: number('clients', values.clients, 50),
    daemonCount: number('daemons', values.daemons, 4),
    identityCount: number('accounts', values.accounts, 6),
  };
}

/** Undefined: it broke off because it was told to. */
async function attempt<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (cause) {
    if (signal.aborted) return undefined;
    throw cause;
  }
}

async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (cause) {
    say(`torture:refresh: ${cause instanceof Error ? cause.message : String(cause)}`);
    return 2;
  }
  const interrupted = new AbortController();
  const leave = (): void => {
    // What still runs is ended by runScenario's own exit hook.
    if (interrupted.signal.aborted) process.exit(130);
    say('ending in order; once more to end at once');
    interrupted.abort();
  };
  process.on('SIGINT', leave);
  process.on('SIGTERM', leave);

  const reports: Report[] = [];
  for (const scenario of scenarios.filter(({ name }) => options.names.includes(name))) {
    if (interrupted.signal.aborted) break;
    say(`${scenario.name}, ${options.minutes} min, seed ${options.seed}`);
    const { clientsPerDaemon, daemonCount, identityCount, seed } = options;
    const record = await attempt(interrupted.signal, () => runScenario({ scenario, target: keyward, durationMs: options.minutes * 60_000, clientsPerDaemon, daemonCount, identityCount, answerMs: 150, seed, say, signal: interrupted.signal }));
    if (record === undefined) break;
    const report = reportOn(scenario, record);
    reports.push(report);
    if (!options.isJson) process.stdout.write(`${renderReport(report)}\n\n`);
  }
  if (options.isJson) process.stdout.write(`${JSON.stringify({ node: process.version, seed: options.seed, minutes: options.minutes, reports }, undefined, 2)}\n`);
  if (interrupted.signal.aborted) return 130;
  return reports.every(({ isKept }) => isKept) ? 0 : 1;
}

process.exitCode = await main();
