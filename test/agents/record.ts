import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRecord, parseJson } from '../../internal/dialect/ir/json.ts';
import { runAgent } from './agent-process.ts';
import type { Agent, Transport } from './agent.ts';
import { Anonymiser } from './anonymise.ts';
import type { Stage } from './play.ts';
import { startSimulator } from './simulator.ts';
import type { TappedRequest } from './tap.ts';
import { taskIn } from './task.ts';

/** An agent's request as it left the agent, without what names a machine and with vendors' prose cut. */
export interface Recording {
  readonly agent: string;
  readonly version: string;
  readonly transport: Transport;
  readonly method: string;
  readonly path: string;
  readonly headers: unknown;
  readonly body: unknown;
}

const clientKey = 'sk-client-of-the-agents-test';
const leftOut: ReadonlySet<string> = new Set(['content-length', 'connection', 'sec-websocket-key']);

/** Runs the agent without Keyward, on the simulator in the agent's own dialect, and keeps its requests. Returns the files' paths. */
export async function record(agent: Agent, model: string, transport: Transport, stage: Stage, folder: string): Promise<readonly string[]> {
  const root = mkdtempSync(join(tmpdir(), 'keyward-agents-'));
  const home = join(root, 'home');
  const workspace = join(root, 'work');
  for (const place of [home, workspace]) mkdirSync(place);
  const task = taskIn(workspace);
  // The simulator cannot read each agent's odder results; here only what the agent says of them is wanted.
  const unproven = { ...agent, further: agent.further.map((use) => ({ ...use, proof: '' })) };
  const simulator = await startSimulator(unproven, task, agent.dialect, true);
  try {
    await runAgent(agent, { home, workspace, url: simulator.url, key: clientKey, model, transport, prompt: task.prompt }, stage.agentsFolder, stage.limitMs, stage.signal);
    const anonymiser = new Anonymiser({ [workspace]: '/home/dev/project', [home]: '/home/dev', [clientKey]: 'sk-client', [new URL(simulator.url).host]: '127.0.0.1:8317' });
    return chosen(simulator.seen).map((request, at) => {
      const path = join(folder, `${agent.program}-${model}-${transport}-${at + 1}.json`);
      writeFileSync(path, `${JSON.stringify(recordingOf(agent, request, anonymiser), undefined, 1)}\n`);
      return path;
    });
  } finally {
    await simulator.close();
    rmSync(root, { recursive: true, force: true });
  }
}

/** Over HTTP the first and the last of the task, which has all of its history; over a WebSocket every message. */
function chosen(seen: readonly TappedRequest[]): readonly TappedRequest[] {
  if (seen.some(({ transport }) => transport === 'websocket')) return seen;
  const working = seen.filter(({ body }) => /"(?:tools|additional_tools)"/.test(body));
  return [working.at(0), working.at(-1)].filter((request) => request !== undefined);
}

function recordingOf(agent: Agent, { transport, method, url, headers, body }: TappedRequest, anonymiser: Anonymiser): Recording {
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !leftOut.has(name)));
  const parsed = parseJson(body);
  if (!isRecord(parsed)) throw new TypeError(`${method} ${url} has no JSON object as its body`);
  return { agent: agent.name, version: agent.version, transport, method, path: url, headers: anonymiser.value(kept), body: anonymiser.value(parsed) };
}
