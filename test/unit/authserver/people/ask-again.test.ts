import { describe, expect, it } from 'vitest';
import { createAskAgain, type AskedAgain } from '../../../../internal/authserver/people/ask-again.ts';
import type { OperatorProvider, RefreshEnd } from '../../../../internal/authserver/people/operator-provider.ts';
import { localPerson, personId } from '../../../../internal/clients/issued/person.ts';
import type { Person } from '../../../../internal/clients/issued/person.ts';
import type { PeopleEvent } from '../../../../internal/authserver/people/ports.ts';
import { Secret } from '../../../../internal/secret/secret.ts';
import { createManualClock } from '../../../support/manual-clock.ts';

const issuer = 'https://id.example.com';
const ann: Person = { id: personId(issuer, 'ann'), issuer, subject: 'ann', label: 'Ann', groups: [], scopes: ['models:use', 'models:read'], providerRefreshToken: new Secret('token-1'), seenAtMs: 0 };
const identity = { issuer, subject: 'ann', name: 'Ann', email: 'ann@example.com', isEmailVerified: true, groups: [] };
const known = { kind: 'known', identity } as const;

interface World {
  readonly ask: (person: Person) => Promise<AskedAgain>;
  readonly kept: () => Person | undefined;
  readonly keep: (person: Person) => void;
  readonly sent: readonly string[];
  readonly events: readonly PeopleEvent[];
  /** What was done, in its order. */
  readonly steps: readonly string[];
}

function world(refresh: (token: string, step: (name: string) => void) => RefreshEnd, options: { readonly host?: string | undefined; readonly person?: Person } = { host: 'id.example.com' }): World {
  let kept: Person | undefined = options.person ?? ann;
  const sent: string[] = [];
  const steps: string[] = [];
  const events: PeopleEvent[] = [];
  const provider: OperatorProvider = {
    host: () => options.host,
    issuer: () => issuer,
    wantsOffline: () => true,
    authorizationUrl: () => Promise.reject(new TypeError('not here')),
    redeem: () => Promise.reject(new TypeError('not here')),
    refresh: async (_subject, token) => {
      sent.push(token.reveal());
      await Promise.resolve();
      return refresh(token.reveal(), (name) => void steps.push(name));
    },
  };
  const ask = createAskAgain({
    clock: createManualClock(),
    provider,
    persons: {
      find: async () => kept,
      save: async (person) => {
        steps.push(`saved ${person.providerRefreshToken?.reveal()}`);
        kept = person;
      },
    },
    rules: () => ({ allowedDomains: [], allowedEmails: [], groupScopes: {} }),
    hooks: { onEvent: (event) => void events.push(event), onUnusual: () => undefined },
  });
  return { ask, kept: () => kept, keep: (person) => void (kept = person), sent, events, steps };
}

describe('asking the provider again', () => {
  it('keeps a rotated token before the answer is used: what fails then loses nothing', async () => {
    for (const end of [known, { kind: 'unavailable', why: 'away' }, { kind: 'ended', why: 'gone' }] as const) {
      const rig = world((_token, step) => ({
        kind: 'refreshed',
        refreshToken: new Secret('token-2'),
        identify: () => {
          step('identify');
          return Promise.resolve(end);
        },
      }));
      const asked = await rig.ask(ann);
      expect(asked.kind).toBe(end.kind === 'known' ? 'still' : end.kind);
      expect(rig.steps.slice(0, 2)).toEqual(['saved token-2', 'identify']);
      expect(rig.kept()?.providerRefreshToken?.reveal()).toBe('token-2');
    }
  });

  it('goes by the newest token, whatever the caller holds', async () => {
    const rig = world(() => ({ kind: 'refreshed', refreshToken: undefined, identify: () => Promise.resolve(known) }));
    rig.keep({ ...ann, providerRefreshToken: new Secret('token-9') });
    await rig.ask(ann);
    expect(rig.sent).toEqual(['token-9']);
    expect(rig.kept()?.providerRefreshToken?.reveal()).toBe('token-9');
  });

  it('a token that a sign-in has replaced meanwhile ends nobody', async () => {
    const rig = world((token) => {
      if (token === 'token-1') {
        rig.keep({ ...ann, providerRefreshToken: new Secret('token-2') });
        return { kind: 'ended', why: 'invalid_grant' };
      }
      return { kind: 'refreshed', refreshToken: undefined, identify: () => Promise.resolve(known) };
    });
    expect((await rig.ask(ann)).kind).toBe('still');
    expect(rig.sent).toEqual(['token-1', 'token-2']);
  });

  it('asks at most twice', async () => {
    let next = 1;
    const rig = world(() => {
      next += 1;
      rig.keep({ ...ann, providerRefreshToken: new Secret(`token-${next}`) });
      return { kind: 'ended', why: 'invalid_grant' };
    });
    expect((await rig.ask(ann)).kind).toBe('ended');
    expect(rig.sent.length).toBe(2);
  });

  it('an answer about somebody of another issuer ends the person', async () => {
    const rig = world(() => ({ kind: 'refreshed', refreshToken: undefined, identify: () => Promise.resolve({ kind: 'known', identity: { ...identity, issuer: 'https://other.example.com' } }) }));
    expect((await rig.ask(ann)).kind).toBe('ended');
    expect(rig.events).toMatchObject([{ action: 'person.ended', actor: ann.id, code: 'person_ended' }]);
  });

  it('whoever was approved by a code goes on while there is no provider, and ends when there is one; and the other way round', async () => {
    const bob = localPerson('bob', 0);
    const none: RefreshEnd = { kind: 'unavailable', why: 'not asked' };
    expect(await world(() => none, { host: undefined, person: bob }).ask(bob)).toEqual({ kind: 'still', person: bob });
    expect((await world(() => none, { host: 'id.example.com', person: bob }).ask(bob)).kind).toBe('ended');
    const rig = world(() => none, { host: undefined });
    expect((await rig.ask(ann)).kind).toBe('ended');
    expect(rig.sent).toEqual([]);
  });
});
