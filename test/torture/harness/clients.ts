import { Agent, request, type ClientRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '../record.ts';
import type { Random } from '../../conformance/fuzz/random.ts';
import type { Member } from './fleet.ts';
import { listOf, memberOf, parseJson, textOf } from './json.ts';
import { modelName } from './target.ts';

export interface ClientsSetup {
  readonly members: readonly Member[];
  readonly perDaemon: number;
  readonly identities: readonly string[];
  readonly random: Random;
  /** Longer than any wait that the daemon may impose. */
  readonly timeoutMs: number;
}

export interface Clients {
  readonly okCount: () => number;
  readonly latenciesMs: readonly number[];
  readonly failures: readonly Failure[];
  /** Lets every client finish the request it is in. */
  readonly stop: () => Promise<void>;
}

/** Share of requests that leave the choice of the account to the daemon. */
const unprefixedShare = 0.2;
/** After a failure, so that a daemon that is down is not hammered. */
const pauseMs = 50;

/** Clients that ask without a pause over connections they keep, each identity by its prefix, and any of them by none. */
export function startClients({ members, perDaemon, identities, random, timeoutMs }: ClientsSetup): Clients {
  const stopped = new AbortController();
  const latenciesMs: number[] = [];
  const failures: Failure[] = [];
  const agents = members.map(() => new Agent({ keepAlive: true, maxSockets: perDaemon }));

  const work = async (member: Member, agent: Agent): Promise<void> => {
    while (!stopped.signal.aborted) {
      const url = member.url();
      if (url === undefined) {
        await sleep(pauseMs);
        continue;
      }
      const identity = random.chance(unprefixedShare) ? '' : (identities[random.int(identities.length)] ?? '');
      const fromMs = Date.now();
      const startedMs = performance.now();
      const outcome = await ask(agent, url, member.setting.apiKey, identity, timeoutMs);
      if (outcome === undefined) {
        latenciesMs.push(performance.now() - startedMs);
        continue;
      }
      failures.push({ daemon: member.setting.name, identity, fromMs, toMs: Date.now(), ...outcome });
      await sleep(pauseMs);
    }
  };
  const clients = members.flatMap((member, index) => Array.from({ length: perDaemon }, () => work(member, agents[index] ?? new Agent())));
  return {
    okCount: () => latenciesMs.length,
    latenciesMs,
    failures,
    stop: async () => {
      stopped.abort();
      await Promise.all(clients);
      for (const agent of agents) agent.destroy();
    },
  };
}

type Outcome = Pick<Failure, 'status' | 'code'> | undefined;

/** Undefined: the whole and right answer. */
function ask(agent: Agent, url: string, apiKey: string, identity: string, timeoutMs: number): Promise<Outcome> {
  const { hostname, port } = new URL(url);
  const body = JSON.stringify({ model: identity === '' ? modelName : `${identity}/${modelName}`, messages: [{ role: 'user', content: 'Hello!' }] });
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve) => {
    const req: ClientRequest = request({ agent, hostname, port, method: 'POST', path: '/v1/chat/completions', headers }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => (text += chunk));
      res.on('error', () => undefined);
      res.on('close', () => settle(res.complete ? judge(res.statusCode ?? 0, parseJson(text), identity) : { status: 0, code: 'cut_off' }));
    });
    const timer = setTimeout(() => {
      settle({ status: 0, code: 'timeout' });
      req.destroy();
    }, timeoutMs);
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    req.on('error', (cause) => settle({ status: 0, code: textOf(cause, 'code') || 'broken' }));
    req.end(body);
  });
}

function judge(status: number, answer: unknown, identity: string): Outcome {
  if (status !== 200) return { status, code: textOf(memberOf(answer, 'error'), 'code') };
  const [choice] = listOf(answer, 'choices');
  const content = textOf(memberOf(choice, 'message'), 'content');
  return content === '' || (identity !== '' && content !== identity) ? { status, code: 'wrong_account' } : undefined;
}
