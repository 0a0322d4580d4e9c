import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, requestBytes } from '../load/connection.ts';
import type { Endpoint } from '../load/jobs.ts';
import { requestBody } from '../workloads.ts';
import type { Child } from './children.ts';

const pollMs = 2;

/** Asks until the first 200; resolves with why not, or undefined when it came. */
export async function waitForAnswer(endpoint: Endpoint, child: Child | undefined, limitMs: number): Promise<string | undefined> {
  const request = requestBytes(endpoint, requestBody('small'));
  const untilMs = performance.now() + limitMs;
  let last = 'no connection';
  while (performance.now() < untilMs) {
    if (child?.hasEnded() === true) return `ended at its start: ${child.lastWords()}`;
    const connection = new Connection(endpoint);
    const patience = setTimeout(() => connection.destroy(), Math.max(1, untilMs - performance.now()));
    try {
      const { status } = await connection.exchange(request);
      if (status === 200) return undefined;
      last = `it answers ${status}`;
    } catch {
      last = 'no connection';
    } finally {
      clearTimeout(patience);
      connection.destroy();
    }
    await sleep(pollMs);
  }
  return `no answer in ${limitMs / 1_000} s (${last}): ${child?.lastWords() ?? ''}`;
}
