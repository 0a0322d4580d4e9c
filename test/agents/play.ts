import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dialect } from '../../internal/dialect/dialect.ts';
import { startDaemon } from '../support/daemon.ts';
import { runAgent, type AgentOutcome } from './agent-process.ts';
import type { Agent, Place, Transport } from './agent.ts';
import { startOpeningLines } from './opening-lines.ts';
import { startSimulator } from './simulator.ts';
import type { TappedRequest } from './tap.ts';
import { taskIn, type Task } from './task.ts';
import { faultsOf, upstreamKey, upstreams } from './upstreams.ts';

export interface Case {
  readonly agent: Agent;
  readonly model: string;
  readonly transport: Transport;
  readonly upstream: Dialect;
}

export interface Played extends Case {
  /** Empty: the task was finished, and everything was as it should be. */
  readonly faults: readonly string[];
  /** The agent's own tools that were used. */
  readonly used: readonly string[];
  readonly offered: readonly string[];
  readonly tookMs: number;
  /** To look into a fault: what reached the upstream, what the agent and the daemon wrote. */
  readonly seen: readonly TappedRequest[];
  readonly outcome: AgentOutcome;
  readonly opened: readonly string[];
  readonly daemonLog: string;
}

export interface Stage {
  readonly agentsFolder: string;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** One agent, from its start to its end, through a daemon of its own to a simulated upstream of the given dialect. */
export async function play(one: Case, stage: Stage): Promise<Played> {
  const clientKey = 'sk-client-of-the-agents-test';
  const root = mkdtempSync(join(tmpdir(), 'keyward-agents-'));
  const place = { home: join(root, 'home'), workspace: join(root, 'work') };
  for (const folder of Object.values(place)) mkdirSync(folder);
  const task = taskIn(place.workspace);
  const closers = [async (): Promise<void> => rmSync(root, { recursive: true, force: true })];
  try {
    const simulator = await startSimulator(one.agent, task, one.upstream);
    closers.push(simulator.close);
    const daemon = await startDaemon({ config: `api-keys: ["${clientKey}"]\n${upstreams[one.upstream].config(simulator.url, one.model)}` });
    closers.push(async () => void (await daemon.stop()));
    const door = await startOpeningLines(daemon.port);
    closers.push(door.close);
    const where: Place = { ...place, url: door.url, key: clientKey, model: one.model, transport: one.transport, prompt: task.prompt };
    const outcome = await runAgent(one.agent, where, stage.agentsFolder, stage.limitMs, stage.signal);
    const { seen } = simulator;
    const faults = [...taskFaults(task, outcome), ...transportFaults(one.transport, door.lines()), ...faultsOf(one.upstream, seen), ...toolFaults(simulator.used()), ...leaks(seen, clientKey, outcome)];
    return { ...one, faults, used: simulator.used(), offered: simulator.offered(), tookMs: outcome.tookMs, seen, outcome, opened: door.lines(), daemonLog: daemon.output() };
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

function taskFaults(task: Task, { exitCode, stdout }: AgentOutcome): readonly string[] {
  const content = existsSync(task.path) ? readFileSync(task.path, 'utf8').trimEnd() : undefined;
  return [
    ...(exitCode === 0 ? [] : [exitCode === undefined ? 'the agent did not end by itself' : `the agent ended with ${exitCode}`]),
    ...(content === task.text ? [] : [content === undefined ? 'the file is not there' : `the file says ${JSON.stringify(content)}`]),
    ...(stdout.includes(task.farewell) ? [] : ['the last words were not shown']),
  ];
}

function transportFaults(transport: Transport, opened: readonly string[]): readonly string[] {
  const sockets = opened.filter((line) => line.endsWith('(websocket)')).length;
  if (transport === 'http') return sockets === 0 ? [] : ['it used a WebSocket'];
  if (sockets === 0) return ['it used no WebSocket'];
  return opened.some((line) => line.startsWith('POST ')) ? ['it fell back from WebSocket to HTTP'] : [];
}

function toolFaults(used: readonly string[]): readonly string[] {
  return used.length >= 2 ? [] : [`only ${used.length} of its tools were used`];
}

function leaks(seen: readonly TappedRequest[], clientKey: string, { stdout, stderr }: AgentOutcome): readonly string[] {
  return [
    ...(seen.some(({ headers, body }) => JSON.stringify(headers).includes(clientKey) || body.includes(clientKey)) ? ['the client key reached the upstream'] : []),
    ...(`${stdout}${stderr}`.includes(upstreamKey) ? ['the agent saw the upstream key'] : []),
  ];
}
