import type { Clock } from '../../clock/clock.ts';
import type { Secret } from '../../secret/secret.ts';
import { judgeSignIn, type SignInRules } from './may-sign-in.ts';
import type { OperatorProvider } from './operator-provider.ts';
import { localIssuer } from '../../clients/issued/person.ts';
import { personFrom } from './person.ts';
import type { Person } from '../../clients/issued/person.ts';
import type { PeopleHooks, PersonStore } from './ports.ts';

export type AskedAgain =
  /** With the rights of now; stored already. */
  | { readonly kind: 'still'; readonly person: Person }
  /** All sessions of the person end. */
  | { readonly kind: 'ended'; readonly why: string }
  /** The provider cannot be asked: this refresh fails, and the next may not (security rule 35). */
  | { readonly kind: 'unavailable'; readonly why: string };

export interface AskAgainDeps {
  readonly clock: Clock;
  readonly provider: OperatorProvider;
  readonly persons: PersonStore;
  readonly rules: () => SignInRules;
  readonly hooks: PeopleHooks;
}

/**
 * Whether somebody is still who they were, asked at each refresh of ours. Never rejects but where the store does. Several at a
 * time share one question: a provider that rotates its tokens takes a second use of one for theft.
 */
export function createAskAgain(deps: AskAgainDeps): (person: Person) => Promise<AskedAgain> {
  const underWay = new Map<string, Promise<AskedAgain>>();

  const end = (person: Person, why: string): AskedAgain => {
    deps.hooks.onEvent({ action: 'person.ended', actor: person.id, actorLabel: person.label, from: 'daemon', requestId: '', target: person.issuer, code: 'person_ended', after: { why } });
    return { kind: 'ended', why };
  };

  const newest = async (person: Person): Promise<Person> => (await deps.persons.find(person.id)) ?? person;

  const ask = async (given: Person): Promise<AskedAgain> => {
    // Kept by somebody who asked, or signed in again, after the caller had looked.
    const person = await newest(given);
    const isLocal = deps.provider.host() === undefined;
    if (isLocal !== (person.issuer === localIssuer)) return end(person, 'people sign in elsewhere now');
    if (isLocal) return { kind: 'still', person };
    const token = person.providerRefreshToken;
    if (token === undefined) return end(person, 'cannot be asked again');
    return askWith(person, token, true);
  };

  const askWith = async (person: Person, token: Secret, mayRetry: boolean): Promise<AskedAgain> => {
    const refreshed = await deps.provider.refresh(person.subject, token);
    if (refreshed.kind === 'unavailable') return refreshed;
    if (refreshed.kind === 'ended') {
      // A sign-in meanwhile brought another token, and only the old one is at its end.
      const now = await newest(person);
      const other = now.providerRefreshToken;
      if (mayRetry && other !== undefined && other.reveal() !== token.reveal()) return askWith(now, other, false);
      return end(person, refreshed.why);
    }
    const rotated = { ...person, providerRefreshToken: refreshed.refreshToken ?? token };
    // Before the answer is used: whatever fails next, the one good token is kept.
    if (refreshed.refreshToken !== undefined) await deps.persons.save(rotated);
    const identified = await refreshed.identify();
    if (identified.kind === 'unavailable') return identified;
    if (identified.kind === 'ended') return end(person, identified.why);
    if (identified.identity.issuer !== person.issuer) return end(person, 'people sign in elsewhere now');
    const standing = judgeSignIn(deps.rules(), identified.identity);
    if (!standing.ok) return end(person, standing.error);
    const still = personFrom(identified.identity, standing.value, rotated.providerRefreshToken, deps.clock.nowMs());
    await deps.persons.save(still);
    return { kind: 'still', person: still };
  };

  return (person) => {
    const running = underWay.get(person.id);
    if (running !== undefined) return running;
    const asking = ask(person).finally(() => underWay.delete(person.id));
    underWay.set(person.id, asking);
    return asking;
  };
}
