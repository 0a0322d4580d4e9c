import { LRUCache } from 'lru-cache';
import type { SessionMark } from './ports.ts';

const maxBindings = 10_000;

/** Where a session's requests for one model go while nothing speaks against it. */
export interface Binding {
  readonly accountId: string;
  /** Of the candidate: account and upstream model. */
  readonly candidateKey: string;
  /** Of the pick that made it: an attempt that began before does not take the session back. */
  readonly order: number;
  readonly source: string;
  usedAtMs: number;
}

/** A time to live that every use begins anew. */
export interface Lifetime {
  readonly nowMs: number;
  readonly ttlMs: number;
}

/** Which session stays with which candidate, a bounded number of them, the longest unused going first. */
export class Affinity {
  readonly #bindings = new LRUCache<string, Binding>({ max: maxBindings });

  /** The living binding, its life begun anew. */
  use(session: SessionMark, model: string, { nowMs, ttlMs }: Lifetime): Binding | undefined {
    const key = keyOf(session, model);
    const binding = this.#bindings.get(key);
    if (binding === undefined) return undefined;
    if (isOver(binding, nowMs, ttlMs)) {
      this.#bindings.delete(key);
      return undefined;
    }
    binding.usedAtMs = nowMs;
    return binding;
  }

  /** Binds after a success; the binding it replaced, or the same one when a later attempt had bound the session already. */
  bind(session: SessionMark, model: string, to: Pick<Binding, 'accountId' | 'candidateKey' | 'order'>, nowMs: number): Binding | undefined {
    const key = keyOf(session, model);
    const before = this.#bindings.get(key);
    if (before !== undefined && before.order > to.order) return before;
    this.#bindings.set(key, { ...to, source: session.source, usedAtMs: nowMs });
    return before;
  }

  /** Forgets the sessions of accounts that are gone. */
  keepOnly(accountIds: ReadonlySet<string>): void {
    const gone: string[] = [];
    for (const [key, { accountId }] of this.#bindings.entries()) if (!accountIds.has(accountId)) gone.push(key);
    for (const key of gone) this.#bindings.delete(key);
  }

  clear(): void {
    this.#bindings.clear();
  }

  /** How many living sessions of a model each candidate has. */
  countFor(model: string, { nowMs, ttlMs }: Lifetime): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [key, binding] of this.#bindings.entries()) {
      if (isOver(binding, nowMs, ttlMs) || modelOf(key) !== model) continue;
      counts.set(binding.candidateKey, (counts.get(binding.candidateKey) ?? 0) + 1);
    }
    return counts;
  }
}

function isOver({ usedAtMs }: Binding, nowMs: number, ttlMs: number): boolean {
  return nowMs - usedAtMs >= ttlMs;
}

function keyOf({ digest }: SessionMark, model: string): string {
  return `${digest} ${model}`;
}

function modelOf(key: string): string {
  return key.slice(key.indexOf(' ') + 1);
}
