import { scopes as allScopes, type Scope } from '../../clients/grant.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { parseDomain, parseEmail } from './email-address.ts';
import { defaultScopes } from './person.ts';

/** Who may sign in, and what they may do then; `identity.oidc` of the config. */
export interface SignInRules {
  readonly allowedDomains: readonly string[];
  readonly allowedEmails: readonly string[];
  /** Scopes by group; without any group everybody gets the use of models. */
  readonly groupScopes: Readonly<Record<string, readonly string[]>>;
}

/** What the provider said of somebody. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string | undefined;
  readonly email: string | undefined;
  readonly isEmailVerified: boolean;
  readonly groups: readonly string[];
}

/** Why somebody may not sign in. */
export type SignInRefusal = 'email_missing' | 'email_not_verified' | 'email_not_allowed' | 'no_group';

export interface Standing {
  readonly scopes: readonly Scope[];
  /** Those of the groups that count. */
  readonly groups: readonly string[];
}

/** Pure. Addresses count only when the provider has verified them; domains are compared whole. */
export function judgeSignIn(rules: SignInRules, identity: Identity): Result<Standing, SignInRefusal> {
  const refusal = judgeEmail(rules, identity);
  if (refusal !== undefined) return err(refusal);
  if (Object.keys(rules.groupScopes).length === 0) return ok({ scopes: defaultScopes, groups: [] });
  const groups = [...new Set(identity.groups)].filter((group) => Object.hasOwn(rules.groupScopes, group));
  const given = new Set(groups.flatMap((group) => rules.groupScopes[group] ?? []));
  const scopes = allScopes.filter((scope) => scope !== 'secrets:read' && given.has(scope));
  return scopes.length === 0 ? err('no_group') : ok({ scopes, groups });
}

function judgeEmail({ allowedDomains, allowedEmails }: SignInRules, { email, isEmailVerified }: Identity): SignInRefusal | undefined {
  if (allowedDomains.length === 0 && allowedEmails.length === 0) return undefined;
  if (email === undefined) return 'email_missing';
  // At many providers people write any address into their profile.
  if (!isEmailVerified) return 'email_not_verified';
  const address = parseEmail(email);
  if (address === undefined) return 'email_not_allowed';
  if (allowedDomains.some((domain) => parseDomain(domain.trim().replace(/^@/, '')) === address.domain)) return undefined;
  const isListed = allowedEmails.some((listed) => {
    const allowed = parseEmail(listed.trim());
    return allowed?.local === address.local && allowed.domain === address.domain;
  });
  return isListed ? undefined : 'email_not_allowed';
}
