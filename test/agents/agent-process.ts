import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import type { Agent, Place } from './agent.ts';
import { programOf } from './installed.ts';

export interface AgentOutcome {
  /** Undefined: it was ended because it took too long. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

/**
 * Where nothing may answer: what heeds these variables cannot leave the machine even without a network namespace.
 * Port 9 is "discard".
 */
const noWayOut = { HTTP_PROXY: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: '127.0.0.1,localhost,::1', no_proxy: '127.0.0.1,localhost,::1' } as const;

/** Runs an agent to its end, in a process group of its own, which is gone afterwards whatever it started. */
export async function runAgent(agent: Agent, place: Place, agentsFolder: string, limitMs: number, signal: AbortSignal): Promise<AgentOutcome> {
  agent.prepare(place);
  const { args, env } = agent.launch(place);
  const startedMs = performance.now();
  const child = spawn(programOf(agentsFolder, agent), args, {
    cwd: place.workspace,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { HOME: place.home, PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`, TERM: 'dumb', LANG: 'C.UTF-8', CI: '1', ...noWayOut, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  const endGroup = (): void => killGroup(child.pid);
  const timer = setTimeout(endGroup, limitMs);
  signal.addEventListener('abort', endGroup, { once: true });
  process.once('exit', endGroup);
  try {
    await once(child, 'exit');
    const isLate = performance.now() - startedMs >= limitMs;
    return { exitCode: isLate ? undefined : (child.exitCode ?? undefined), stdout, stderr, tookMs: performance.now() - startedMs };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', endGroup);
    process.removeListener('exit', endGroup);
    endGroup();
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}
