import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { dialects } from '../internal/dialect/dialect.ts';
import { agents } from '../test/agents/agents.ts';
import type { Agent } from '../test/agents/agent.ts';
import { install } from '../test/agents/installed.ts';
import { runWithLoopbackOnly, whyNoNamespace } from '../test/agents/network.ts';
import { play, type Case, type Played } from '../test/agents/play.ts';
import { record } from '../test/agents/record.ts';
import { nameOf, renderTable, writeTrace } from '../test/agents/report.ts';

/*
 * `npm run test:agents`: real command-line agents, each doing a task with tools of its own through the built daemon, on a
 * simulated upstream of every dialect. Installs them (1.5 GB) where they are not yet; afterwards nothing has a network but
 * loopback. Exit code 1 when a task failed, 2 for wrong usage.
 *   --folder    where the agents are installed (default .test-agents)
 *   --agent     only those whose program holds this: codex, claude, gemini, opencode, qwen, cn
 *   --upstream  only this dialect
 *   --model     only this model
 *   --traces    where the traces of failed runs go (default .test-agents/traces)
 *   --all-traces  of the others, too
 *   --record    run each agent without Keyward instead, and write what it sends to test/fixtures/agents
 */

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
const repository = resolve(import.meta.dirname, '..');
const runLimitMs = 60_000;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Options {
  readonly folder: string;
  readonly traces: string;
  readonly isTracingAll: boolean;
  readonly isRecording: boolean;
  readonly isInside: boolean;
  readonly chosen: readonly Agent[];
  readonly cases: readonly Case[];
}

function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({ args: [...argv], options: { folder: text, agent: text, upstream: text, model: text, traces: text, 'all-traces': flag, record: flag, inside: flag } });
  const chosen = agents.filter(({ program }) => program.includes(values.agent ?? ''));
  if (chosen.length === 0) throw new Error(`--agent takes ${agents.map(({ program }) => program).join(', ')}`);
  const wanted = dialects.filter((dialect) => values.upstream === undefined || dialect === values.upstream);
  if (wanted.length === 0) throw new Error(`--upstream takes ${dialects.join(', ')}`);
  const folder = resolve(values.folder ?? resolve(repository, '.test-agents'));
  return {
    folder,
    traces: resolve(values.traces ?? resolve(folder, 'traces')),
    isTracingAll: values['all-traces'],
    isRecording: values.record,
    isInside: values.inside,
    chosen,
    cases: chosen.flatMap((agent) => agent.models.flatMap((model) => agent.transports.flatMap((transport) => wanted.map((upstream) => ({ agent, model, transport, upstream }))))).filter(({ model }) => values.model === undefined || model === values.model),
  };
}

function installAll({ chosen, folder }: Options): boolean {
  const failed = chosen.flatMap((agent) => {
    const problem = install(folder, agent);
    return problem === undefined ? [] : [`${agent.package}@${agent.version} could not be installed: ${problem}`];
  });
  failed.forEach(say);
  return failed.length === 0;
}

async function playAll({ cases, folder, traces, isTracingAll }: Options): Promise<number> {
  const interrupted = new AbortController();
  const leave = (): void => interrupted.abort();
  process.on('SIGINT', leave).on('SIGTERM', leave);
  const played: Played[] = [];
  for (const one of cases) {
    if (interrupted.signal.aborted) return 130;
    const result = await play(one, { agentsFolder: folder, limitMs: runLimitMs, signal: interrupted.signal });
    played.push(result);
    const isDone = result.faults.length === 0;
    const trace = isDone && !isTracingAll ? '' : `  ${writeTrace(traces, result)}`;
    say(`${isDone ? 'done  ' : 'FAILED'}  ${nameOf(one)}${trace}`);
  }
  say(`\n${renderTable(played)}`);
  return played.every(({ faults }) => faults.length === 0) ? 0 : 1;
}

async function recordAll({ chosen, cases, folder }: Options): Promise<number> {
  const to = resolve(repository, 'test/fixtures/agents');
  mkdirSync(to, { recursive: true });
  for (const agent of chosen) {
    for (const model of agent.models.filter((name) => cases.some((one) => one.agent === agent && one.model === name))) {
      for (const transport of agent.transports) (await record(agent, model, transport, { agentsFolder: folder, limitMs: runLimitMs, signal: new AbortController().signal }, to)).forEach(say);
    }
  }
  return 0;
}

async function main(argv: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = readOptions(argv);
  } catch (cause) {
    say(`test:agents: ${cause instanceof Error ? cause.message : String(cause)}`);
    return 2;
  }
  const run = options.isRecording ? recordAll : playAll;
  if (options.isInside) return run(options);
  if (!installAll(options)) return 1;
  const obstacle = whyNoNamespace();
  if (obstacle === undefined) return runWithLoopbackOnly([import.meta.filename, ...argv, '--inside']);
  say(`No network namespace can be made here (${obstacle}).`);
  say('The agents run in this machine’s network. Their proxy settings lead nowhere, so those that heed them reach loopback alone.');
  return run(options);
}

process.exitCode = await main(process.argv.slice(2));
