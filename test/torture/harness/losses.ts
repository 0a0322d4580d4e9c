import { setTimeout as sleep } from 'node:timers/promises';
import type { Loss, Telling } from '../record.ts';
import { fileNameOf, writeAuthFile } from './auth-files.ts';
import { readWord, tellingOf, type DaemonWord } from './daemon-status.ts';
import type { Member } from './fleet.ts';
import type { IdentityProvider } from './identity-provider.ts';
import { readLedgers } from './intents.ts';

export interface LossWatchDeps {
  readonly members: readonly Member[];
  readonly identities: readonly string[];
  readonly provider: IdentityProvider;
  readonly authDir: string;
  readonly accessLifeMs: number;
  /** A daemon that was held or is starting has this long from then on. */
  readonly tellLimitMs: number;
  readonly note: (trouble: string) => void;
}

/** Looks for lost accounts, has every daemon's word on each, and then logs in anew, as their owner would. */
export interface LossWatch {
  readonly losses: readonly Loss[];
  /** Identities whose loss is being dealt with. */
  readonly openCount: () => number;
  /** Resolves when no look is under way. */
  readonly stop: () => Promise<void>;
}

const lookEveryMs = 300;
const backLimitMs = 10_000;
/** However often it is held and killed. */
const longestWaitMs = 60_000;

export function watchLosses(deps: LossWatchDeps): LossWatch {
  const losses: Loss[] = [];
  const open = new Map<string, Promise<void>>();
  const stopped = new AbortController();

  const look = async (): Promise<void> => {
    const { families } = await deps.provider.stats();
    const words = await readWords(deps);
    for (const identity of deps.identities) {
      const family = families.findLast((each) => each.identity === identity);
      if (family === undefined || open.has(identity)) continue;
      const isGivenUp = [...words.values()].some((word) => word?.states.get(identity) === 'needs_login');
      if (family.revokedAtMs === undefined && !isGivenUp) continue;
      const found = { identity, family: family.id, noticedAtMs: Date.now(), revokedAtMs: family.revokedAtMs, remembered: readLedgers(deps.authDir).remembered };
      open.set(identity, settleLoss(deps, found).then((loss) => void losses.push(loss)).catch((cause: unknown) => deps.note(`a loss of ${identity}: ${String(cause)}`)).finally(() => open.delete(identity)));
    }
  };
  const watching = (async () => {
    while (!stopped.signal.aborted) {
      await look().catch((cause: unknown) => deps.note(`looking for losses: ${String(cause)}`));
      await sleep(lookEveryMs);
    }
  })();
  return {
    losses,
    openCount: () => open.size,
    stop: async () => {
      stopped.abort();
      await watching;
      await Promise.all(open.values());
    },
  };
}

type FoundLoss = Pick<Loss, 'identity' | 'family' | 'noticedAtMs' | 'revokedAtMs' | 'remembered'>;

async function settleLoss(deps: LossWatchDeps, found: FoundLoss): Promise<Loss> {
  const { identity } = found;
  const tellings = await Promise.all(deps.members.map((member) => waitForTelling(deps, member, identity)));
  // Even the last one may have been remembered only now.
  const remembered = [...new Set([...found.remembered, ...readLedgers(deps.authDir).remembered])];
  const tokens = await deps.provider.login(identity, deps.accessLifeMs);
  writeAuthFile(deps.authDir, fileNameOf(identity), identity, tokens);
  const reloggedInAtMs = Date.now();
  const areBack = await Promise.all(deps.members.map((member) => waitForWord(deps, member, backLimitMs, (word) => word?.states.get(identity) === 'ready')));
  return { ...found, tellings, remembered, reloggedInAtMs, cameBackAfterMs: areBack.every((afterMs) => afterMs !== undefined) ? Date.now() - reloggedInAtMs : undefined };
}

async function waitForTelling(deps: LossWatchDeps, member: Member, identity: string): Promise<Telling> {
  let telling: Telling | undefined;
  let last: DaemonWord | undefined;
  const startedAtMs = Date.now();
  await waitForWord(deps, member, deps.tellLimitMs, (word) => {
    last = word ?? last;
    telling = tellingOf(member.setting.name, word, identity, Date.now() - startedAtMs);
    return telling !== undefined;
  });
  return telling ?? { daemon: member.setting.name, afterMs: undefined, reason: last?.reasons.get(identity) ?? '', isInReadyz: last?.isInReadyz ?? false };
}

/** Resolves with the milliseconds it took, or undefined when the daemon could speak for `limitMs` and did not say it. */
async function waitForWord(deps: LossWatchDeps, member: Member, limitMs: number, isThere: (word: DaemonWord | undefined) => boolean): Promise<number | undefined> {
  const startedAtMs = Date.now();
  let silentMs = 0;
  while (silentMs < limitMs && Date.now() - startedAtMs < longestWaitMs) {
    const word = await readWord(member, deps.identities);
    if (isThere(word)) return Date.now() - startedAtMs;
    await sleep(lookEveryMs);
    // Time in which it is held, or down, is not its silence; and it starts anew when it was killed.
    silentMs = word === undefined ? 0 : silentMs + lookEveryMs;
  }
  return undefined;
}

async function readWords(deps: LossWatchDeps): Promise<ReadonlyMap<string, DaemonWord | undefined>> {
  return new Map(await Promise.all(deps.members.map(async (member) => [member.setting.name, await readWord(member, deps.identities)] as const)));
}
