import { join } from 'node:path';
import * as v from 'valibot';
import type { Child, Children } from '../../../bench/process/children.ts';
import { requests, seededFamily, stats, type FaultPlan, type SeededFamily, type Stats, type TokenRequest } from '../identity-provider/wire.ts';

/** The identity provider's process, seen from the harness. */
export interface IdentityProvider {
  readonly child: Child;
  readonly tokenUrl: string;
  readonly upstreamUrl: string;
  readonly stats: () => Promise<Stats>;
  readonly requests: () => Promise<readonly TokenRequest[]>;
  readonly setFaults: (plan: FaultPlan) => Promise<void>;
  /** Somebody logs in: a family of its own, whose first access token lives `lifeMs`. */
  readonly login: (identity: string, lifeMs: number) => Promise<SeededFamily>;
}

export interface IdentityProviderOptions {
  readonly folder: string;
  readonly accessLifeMs: number;
  readonly answerMs: number;
  readonly seed: number;
}

export async function startIdentityProvider(children: Children, { folder, accessLifeMs, answerMs, seed }: IdentityProviderOptions): Promise<IdentityProvider> {
  const program = join(import.meta.dirname, '../identity-provider/main.ts');
  const args = ['--life-ms', String(accessLifeMs), '--answer-ms', String(answerMs), '--seed', String(seed)];
  const { child, port } = await children.forkProgram(program, args, { cwd: folder, env: {}, outputPath: join(folder, 'identity-provider.log') });
  const url = `http://127.0.0.1:${port}`;
  const first = v.parse(stats, await askControl(url, '/control/stats'));
  return {
    child,
    tokenUrl: first.tokenUrl,
    upstreamUrl: first.upstreamUrl,
    stats: async () => v.parse(stats, await askControl(url, '/control/stats')),
    requests: async () => v.parse(requests, await askControl(url, '/control/requests')).requests,
    setFaults: async (plan) => void (await askControl(url, '/control/faults', plan)),
    login: async (identity, lifeMs) => v.parse(seededFamily, await askControl(url, '/control/families', { identity, lifeMs })),
  };
}

async function askControl(url: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${url}${path}`, body === undefined ? { headers: { connection: 'close' } } : { method: 'POST', body: JSON.stringify(body), headers: { connection: 'close' } });
  if (!answer.ok) throw new Error(`the identity provider answers ${path} with ${answer.status}`);
  return answer.json();
}
