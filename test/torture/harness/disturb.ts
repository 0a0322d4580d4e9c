import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../conformance/fuzz/random.ts';
import type { Rhythm } from '../scenarios.ts';
import type { Member } from './fleet.ts';
import { readLedgers } from './intents.ts';

export interface DisturbDeps {
  readonly members: readonly Member[];
  readonly authDir: string;
  readonly random: Random;
  readonly note: (trouble: string) => void;
}

/** Half of the blows wait for the victim to have a refresh under way, this long. */
const aimLimitMs = 1_500;
const aimEveryMs = 4;

/** Strikes a random daemon in the rhythm until `signal`; resolves when the last blow is over. */
export async function disturb(deps: DisturbDeps, rhythm: Rhythm, strike: (victim: Member, forMs: number) => Promise<void>, signal: AbortSignal): Promise<void> {
  const between = ([least, most]: readonly [number, number]): number => least + deps.random.int(most - least + 1);
  while (!signal.aborted) {
    await sleep(between(rhythm.everyMs), undefined, { signal }).catch(() => undefined);
    const free = deps.members.filter((member) => member.isFree());
    const victim = free[deps.random.int(free.length)];
    if (signal.aborted || victim === undefined) continue;
    if (deps.random.chance(0.5)) await awaitIntent(deps.authDir, victim);
    try {
      await strike(victim, between(rhythm.forMs));
    } catch (cause) {
      deps.note(`${victim.setting.name}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }
}

async function awaitIntent(authDir: string, victim: Member): Promise<void> {
  const untilMs = Date.now() + aimLimitMs;
  while (Date.now() < untilMs) {
    if (readLedgers(authDir).intents.some(({ pid }) => pid === victim.pid())) return;
    await sleep(aimEveryMs);
  }
}
