import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock/clock.ts';
import { isLoopbackAddress, normalizeAddress, throttleKeyOf } from '../../http/ip-address.ts';
import type { PeopleHooks, UnusualKind } from './ports.ts';

/** Who did it, for the audit. */
export interface Actor {
  readonly actor: string;
  readonly actorLabel?: string | undefined;
  readonly from: string;
  readonly requestId: string;
  readonly target: string;
}

/** What device-code phishing looks like from here: many codes around one address, approvals far from the device. */
export interface UnusualUse {
  /** A code was asked for; the core tells. */
  readonly codeAsked: (actor: Actor) => void;
  /** A right code was entered. */
  readonly codeEntered: (code: string, actor: Actor) => void;
  readonly approvedFromElsewhere: (actor: Actor) => void;
}

const windowMs = 10 * 60_000;
const maxAddresses = 5_000;
/** CI fleets and offices behind one address ask for many; one browser enters few. */
const limits = { many_codes_asked: 30, many_codes_entered: 5 } as const;

export function createUnusualUse({ clock, hooks }: { readonly clock: Clock; readonly hooks: PeopleHooks }): UnusualUse {
  const seen = new LRUCache<string, { readonly untilMs: number; readonly codes: Set<string>; isRaised: boolean }>({ max: maxAddresses });
  let asked = 0;

  const raise = (kind: UnusualKind, actor: Actor): void => {
    hooks.onUnusual(kind);
    hooks.onEvent({ ...actor, action: 'identity.unusual', after: { kind } });
  };

  const count = (kind: keyof typeof limits, code: string, actor: Actor): void => {
    const key = `${kind} ${throttleKeyOf(actor.from)}`;
    const known = seen.get(key);
    const entry = known === undefined || known.untilMs <= clock.nowMs() ? { untilMs: clock.nowMs() + windowMs, codes: new Set<string>(), isRaised: false } : known;
    seen.set(key, entry);
    if (entry.isRaised) return;
    entry.codes.add(code);
    if (entry.codes.size <= limits[kind]) return;
    entry.isRaised = true;
    raise(kind, actor);
  };

  return {
    codeAsked: (actor) => count('many_codes_asked', String((asked += 1)), actor),
    codeEntered: (code, actor) => count('many_codes_entered', code, actor),
    approvedFromElsewhere: (actor) => raise('other_network', actor),
  };
}

/** IPv4 by its /24, IPv6 by its /48; this machine is one network by all its names. What cannot be read is like nothing else. */
export function isSameNetwork(a: string, b: string): boolean {
  const left = networkOf(a);
  return left !== undefined && left === networkOf(b);
}

function networkOf(text: string): string | undefined {
  if (text === 'unix') return 'this machine';
  const address = normalizeAddress(text);
  if (address === undefined) return undefined;
  if (isLoopbackAddress(address)) return 'this machine';
  // `throttleKeyOf` spells the /64 out; its first three groups are the /48.
  return isIPv6(address) ? throttleKeyOf(address).split(':').slice(0, 3).join(':') : address.split('.').slice(0, 3).join('.');
}
