import type { Operation } from '../dialect/dialect.ts';
import { cooldownAfter, isActive, isUnproven, refusesCredential, scopeOf, severities, severityOf, startProbe, type Cooldown, type CooldownScope, type FailurePlace, type Severity } from './cooldown.ts';
import type { AccountBlock, AttemptOutcome } from './ports.ts';
import { Workload } from './workload.ts';

const maxCooldowns = 256;

/** The keys under which one candidate's cooldowns are kept. */
export interface ScopeKeys {
  readonly model: string;
  readonly endpoint: string;
}

const accountKey = 'account';

export function scopeKeys(upstreamModel: string, operation: Operation): ScopeKeys {
  return { model: `model ${upstreamModel}`, endpoint: `endpoint ${operation} ${upstreamModel}` };
}

/** What the router remembers of one account: how many attempts are open, what cools, and whether it is blocked. */
export class AccountMemory {
  openCount = 0;
  readonly workload = new Workload();
  /** While set, the account is not picked, whatever else is known of it. */
  block: AccountBlock | undefined;
  readonly #cooldowns = new Map<string, Cooldown>();

  /** True without a single cooldown, not even an ended one whose back-off is remembered. */
  get isSpotless(): boolean {
    return this.#cooldowns.size === 0;
  }

  severity(keys: ScopeKeys, nowMs: number, maxCooldownMs: number): Severity {
    let worst: Severity = severities.healthy;
    for (let i = 0; i < 3 && worst < severities.hard; i++) {
      const cooldown = this.#cooldowns.get(i === 0 ? accountKey : i === 1 ? keys.model : keys.endpoint);
      const severity = cooldown === undefined ? severities.healthy : severityOf(cooldown, nowMs, maxCooldownMs);
      if (severity > worst) worst = severity;
    }
    return worst;
  }

  /** Those of the candidate that have not ended. */
  active(keys: ScopeKeys, nowMs: number): readonly Cooldown[] {
    return this.#of(keys).filter((cooldown) => isActive(cooldown, nowMs));
  }

  /** Those of the candidate that have not ended, or whose cause no success has disproved yet. */
  remembered(keys: ScopeKeys, nowMs: number): readonly Cooldown[] {
    return this.#of(keys).filter((cooldown) => isActive(cooldown, nowMs) || isUnproven(cooldown, nowMs));
  }

  /** All that have not ended. */
  allActive(nowMs: number): readonly Cooldown[] {
    return [...this.#cooldowns.values()].filter((cooldown) => isActive(cooldown, nowMs));
  }

  startProbes(keys: ScopeKeys, probe: object, nowMs: number, maxCooldownMs: number): void {
    for (const cooldown of this.#of(keys)) {
      if (severityOf(cooldown, nowMs, maxCooldownMs) === severities.due) startProbe(cooldown, probe, nowMs);
    }
  }

  endProbes(keys: ScopeKeys, probe: object): void {
    for (const cooldown of this.#of(keys)) if (cooldown.probe === probe) cooldown.probe = undefined;
  }

  /** A success ends the cooldowns that began before its attempt did; of later ones it proves nothing. */
  succeed(keys: ScopeKeys, pickOrder: number): void {
    for (const key of [accountKey, keys.model, keys.endpoint]) {
      const cooldown = this.#cooldowns.get(key);
      if (cooldown !== undefined && pickOrder > cooldown.order) this.#cooldowns.delete(key);
    }
  }

  /** The cooldown that came of a failure; undefined when it told nothing new. */
  fail(keys: ScopeKeys, failure: Extract<AttemptOutcome, { readonly kind: 'failure' }>, place: FailurePlace): Cooldown | undefined {
    const key = keyOf(scopeOf(failure), keys);
    const previous = this.#cooldowns.get(key);
    const next = cooldownAfter(previous, failure, place);
    if (next === previous) return undefined;
    if (previous === undefined && this.#cooldowns.size >= maxCooldowns) this.#makeRoom(place.nowMs);
    this.#cooldowns.set(key, next);
    return next;
  }

  /** Ends what came of the upstream refusing the credential: another one is there now. */
  forgiveCredential(): void {
    const cooldown = this.#cooldowns.get(accountKey);
    if (cooldown !== undefined && refusesCredential(cooldown)) this.#cooldowns.delete(accountKey);
  }

  /** Forgets all cooldowns; the number that had not ended. */
  reset(nowMs: number): number {
    const ended = this.allActive(nowMs).length;
    this.#cooldowns.clear();
    return ended;
  }

  #of(keys: ScopeKeys): Cooldown[] {
    const found: Cooldown[] = [];
    for (const key of [accountKey, keys.model, keys.endpoint]) {
      const cooldown = this.#cooldowns.get(key);
      if (cooldown !== undefined) found.push(cooldown);
    }
    return found;
  }

  /** Names come from outside and without end: the ended go first, then the oldest of a single model or endpoint. */
  #makeRoom(nowMs: number): void {
    for (const [key, cooldown] of this.#cooldowns) if (!isActive(cooldown, nowMs)) this.#cooldowns.delete(key);
    for (const key of this.#cooldowns.keys()) {
      if (this.#cooldowns.size < maxCooldowns) return;
      if (key !== accountKey) this.#cooldowns.delete(key);
    }
  }
}

function keyOf(scope: CooldownScope, keys: ScopeKeys): string {
  switch (scope) {
    case 'account':
      return accountKey;
    case 'model':
      return keys.model;
    case 'endpoint':
      return keys.endpoint;
  }
}
