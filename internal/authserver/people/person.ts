import { scopes as allScopes, type Scope } from '../../clients/grant.ts';
import { personId, type Person } from '../../clients/issued/person.ts';
import type { Secret } from '../../secret/secret.ts';
import type { Identity, Standing } from './may-sign-in.ts';


/** What everybody who may sign in may do, where groups say nothing. */
export const defaultScopes: readonly Scope[] = ['models:use', 'models:read'];

/** All that the root secret can pass on: `secrets:read` stays with it (security rule 20). */
export const givableScopes: readonly Scope[] = allScopes.filter((scope) => scope !== 'secrets:read');

/** Whom the provider vouched for and the rules let in. */
export function personFrom(identity: Identity, { scopes, groups }: Standing, providerRefreshToken: Secret | undefined, nowMs: number): Person {
  const { issuer, subject, name, email, isEmailVerified } = identity;
  return { id: personId(issuer, subject), issuer, subject, label: name ?? email ?? subject, email: isEmailVerified ? email : undefined, groups, scopes, providerRefreshToken, seenAtMs: nowMs };
}

export interface Share {
  /** What an approval gives. */
  readonly given: readonly Scope[];
  /** Asked for, but the person has it not to give. */
  readonly withheld: readonly Scope[];
}

/** What is asked for ∩ what the person has. Who asks for nothing of Keyward's asks for the use of models. */
export function shareOf(asked: readonly string[], person: Pick<Person, 'scopes'>): Share {
  const known = allScopes.filter((scope) => asked.includes(scope));
  const wanted = known.length === 0 ? defaultScopes : known;
  const has = (scope: Scope): boolean => scope !== 'secrets:read' && person.scopes.includes(scope);
  return { given: wanted.filter(has), withheld: wanted.filter((scope) => !has(scope)) };
}
