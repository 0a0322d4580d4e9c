import { setTimeout as sleep } from 'node:timers/promises';
import { requestBody } from '../workloads.ts';
import { Connection, requestBytes, type Exchange } from './connection.ts';
import type { Endpoint, PairedJob, PairedResult } from './jobs.ts';

/**
 * One request straight to the base, one to the target, in turn, one connection each: a pair shares whatever the machine
 * was doing, so their difference is what the target adds.
 */
export async function runPaired(job: PairedJob): Promise<PairedResult> {
  const base = openSide(job.base, job);
  const target = openSide(job.target, job);
  const baseUs: number[] = [];
  const targetUs: number[] = [];
  const baseFirstUs: number[] = [];
  const targetFirstUs: number[] = [];
  let failed = 0;
  // The first request of a connection pays for opening it.
  await Promise.allSettled([base.send(), target.send()]);
  for (let pair = 0; pair < job.pairs; pair += 1) {
    try {
      const direct = await base.send();
      const through = await target.send();
      if (direct.status !== 200 || through.status !== 200) {
        failed += 1;
        continue;
      }
      baseUs.push(wholeUs(direct));
      targetUs.push(wholeUs(through));
      baseFirstUs.push(firstUs(direct));
      targetFirstUs.push(firstUs(through));
    } catch {
      failed += 1;
      await sleep(20);
    }
  }
  base.connection.destroy();
  target.connection.destroy();
  return { baseUs, targetUs, baseFirstUs, targetFirstUs, failed };
}

function openSide(endpoint: Endpoint, job: PairedJob): { readonly connection: Connection; readonly send: () => Promise<Exchange> } {
  const connection = new Connection(endpoint);
  const request = requestBytes(endpoint, requestBody(job.workload));
  return { connection, send: () => connection.exchange(request) };
}

function wholeUs(exchange: Exchange): number {
  return (exchange.endedAtMs - exchange.sentAtMs) * 1_000;
}

function firstUs(exchange: Exchange): number {
  return (exchange.firstByteAtMs - exchange.sentAtMs) * 1_000;
}
