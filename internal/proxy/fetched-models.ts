import type { Account } from '../accounts/account.ts';
import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../log/logger.ts';
import { hasUnknownContent } from '../routing/catalogue.ts';
import type { ListedModel, RoutingTable } from '../routing/ports.ts';
import { isSwitchedOn } from '../routing/serving.ts';
import { fetchModelNames, type FetchModelsDeps } from './fetch-models.ts';
import type { ProxySnapshot } from './limits.ts';

export interface FetchedModelsDeps extends FetchModelsDeps {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

/** What upstreams say of their models. It feeds lists alone: where a name goes is decided without it (ADR 0004). */
export interface FetchedModels {
  /**
   * All that would route, by name. Begins to fetch what is missing or too old; lists that never came are waited for, at most
   * two seconds from the first time they were asked for. Never rejects.
   */
  readonly listModels: (snapshot: ProxySnapshot) => Promise<readonly ListedModel[]>;
  /** Ends what is under way. */
  readonly close: () => Promise<void>;
}

const maxWaitMs = 2_000;
const fetchTimeoutMs = 15_000;
const maxConcurrent = 8;
const firstRetryMs = 30_000;
const lastRetryMs = 15 * 60_000;

/** What is known of one account's list. Times are monotonic. */
interface Entry {
  /** The last that came. */
  names: readonly string[] | undefined;
  cameMs: number;
  askedMs: number;
  /** Since the last that came. */
  failures: number;
  /** Not asked again before. */
  retryMs: number;
  underWay: Promise<void> | undefined;
}

class TimedOut extends Error {
  readonly code = 'timeout';
}

/** Remembers by account id, so that a reload keeps what is known. */
export function createFetchedModels(deps: FetchedModelsDeps): FetchedModels {
  const { clock, log } = deps;
  const entries = new Map<string, Entry>();
  const lifetime = new AbortController();
  const limit = createLimit(maxConcurrent);
  const running = new Set<Promise<void>>();
  const listed = new WeakMap<RoutingTable, { readonly revision: number; readonly models: readonly ListedModel[] }>();
  let revision = 0;

  const fetch = async (account: Account, entry: Entry, proxyUrl: string): Promise<void> => {
    const result = await limit(() => withTimeout(clock, lifetime.signal, (signal) => fetchModelNames(deps, account, proxyUrl, signal)));
    entry.underWay = undefined;
    if (result.ok) {
      Object.assign(entry, { names: result.value, cameMs: clock.monotonicMs(), failures: 0, retryMs: -Infinity } satisfies Partial<Entry>);
      revision++;
      return;
    }
    entry.failures++;
    entry.retryMs = clock.monotonicMs() + Math.min(lastRetryMs, firstRetryMs * 2 ** (entry.failures - 1));
    const tell = entry.failures === 1 && !lifetime.signal.aborted ? log.warn : log.debug;
    tell({ accountId: account.id, code: result.error, keepsLast: entry.names !== undefined }, 'the model list of an account could not be fetched; its requests do not depend on it');
  };

  const entryOf = (account: Account): Entry => {
    const known = entries.get(account.id);
    if (known !== undefined) return known;
    const entry: Entry = { names: undefined, cameMs: 0, askedMs: 0, failures: 0, retryMs: -Infinity, underWay: undefined };
    entries.set(account.id, entry);
    return entry;
  };

  const isDue = ({ names, cameMs, retryMs, underWay }: Entry, refreshMs: number): boolean => {
    const now = clock.monotonicMs();
    return underWay === undefined && now >= retryMs && (names === undefined || now >= cameMs + refreshMs);
  };

  const refresh = (accounts: readonly Account[], limits: ProxySnapshot['limits']): readonly Entry[] => {
    const ids = new Set(accounts.map(({ id }) => id));
    for (const id of entries.keys()) if (!ids.has(id)) entries.delete(id);
    return accounts.map((account) => {
      const entry = entryOf(account);
      if (isDue(entry, limits.modelListRefreshMs) && !lifetime.signal.aborted) {
        entry.askedMs = clock.monotonicMs();
        const underWay = fetch(account, entry, limits.proxyUrl).finally(() => running.delete(underWay));
        entry.underWay = underWay;
        running.add(underWay);
      }
      return entry;
    });
  };

  const waitForFirst = async (all: readonly Entry[]): Promise<void> => {
    const now = clock.monotonicMs();
    const firsts = all.flatMap(({ names, underWay, askedMs }) => (names === undefined && underWay !== undefined && now - askedMs < maxWaitMs ? [{ underWay, askedMs }] : []));
    if (firsts.length === 0) return;
    const untilMs = firsts.reduce((latest, { askedMs }) => Math.max(latest, askedMs), 0) + maxWaitMs;
    const over = new AbortController();
    const late = clock.sleep(untilMs - now, over.signal).catch(() => undefined);
    await Promise.race([Promise.all(firsts.map(({ underWay }) => underWay)), late]);
    over.abort(new Error('no longer waited for'));
  };

  return {
    listModels: async ({ routes, limits }) => {
      if (limits.modelListRefreshMs === 0) {
        entries.clear();
        return routes.listModels();
      }
      await waitForFirst(refresh(routes.accounts.filter((account) => tellsModels(account) && isSwitchedOn(account, routes.settings)), limits));
      const known = listed.get(routes);
      if (known?.revision === revision) return known.models;
      const counted = revision;
      const models = routes.listModels((account) => entries.get(account.id)?.names);
      listed.set(routes, { revision: counted, models });
      return models;
    },
    close: async () => {
      lifetime.abort(new Error('Keyward stops'));
      await Promise.all(running);
    },
  };
}

/** Accounts without `models`: those of unknown content, and keys of vendors that tell what a key may use. */
function tellsModels({ provider, models, credential }: Account): boolean {
  if (models.length > 0) return false;
  return hasUnknownContent(provider) || (credential.kind === 'key' && (provider === 'openai' || provider === 'anthropic' || provider === 'gemini'));
}

async function withTimeout<T>(clock: Clock, lifetime: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const late = new AbortController();
  clock.sleep(fetchTimeoutMs, ended.signal).then(
    () => late.abort(new TimedOut()),
    () => undefined,
  );
  try {
    return await work(AbortSignal.any([lifetime, late.signal]));
  } finally {
    ended.abort(new Error('done'));
  }
}

type Limit = <T>(work: () => Promise<T>) => Promise<T>;

/** At most so many at one time; others wait in the order they came. */
function createLimit(max: number): Limit {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= max) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
