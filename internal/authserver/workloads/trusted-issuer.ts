import { scopes, type Scope } from '../../clients/grant.ts';
import type { Config } from '../../config/schema.ts';
import { compileGlobs } from '../../routing/wildcard.ts';
import type { JwtAlgorithm } from '../../clients/jwt/read-jwt.ts';

/** One entry of `identity.trusted-issuers`, ready to judge by. */
export interface TrustRule {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly JwtAlgorithm[];
  readonly admitsSubject: (subject: string) => boolean;
  readonly conditions: readonly ClaimCondition[];
  readonly maxAgeMs: number;
  readonly scopes: readonly Scope[];
  /** Undefined: any. */
  readonly models: readonly string[] | undefined;
  /** `''`: none. */
  readonly organization: string;
}

export interface ClaimCondition {
  readonly name: string;
  readonly isMetBy: (value: unknown) => boolean;
}

/** An issuer with its entries in the file's order, the first that fits counting, and where its keys are. */
export interface TrustedIssuer {
  readonly issuer: string;
  /** `''`: its metadata says. */
  readonly jwksUrl: string;
  /** Of any of its entries. */
  readonly algorithms: readonly JwtAlgorithm[];
  readonly rules: readonly TrustRule[];
}

/** Whose workloads may come in. */
export interface Trust {
  readonly issuers: ReadonlyMap<string, TrustedIssuer>;
  /** Our own issuer; its tokens are never a workload's. */
  readonly ownIssuer: string;
  /** Where people sign in; ID tokens made for us there are never a workload's. */
  readonly signIn: { readonly issuer: string; readonly clientId: string } | undefined;
}

const withoutSaying: readonly Scope[] = ['models:use', 'models:read'];

/** A checked config's rules. `ownIssuer`: `<public-url>/oauth`. */
export function compileTrust({ identity }: Pick<Config, 'identity'>, ownIssuer: string): Trust {
  const issuers = new Map<string, TrustedIssuer>();
  for (const entry of identity['trusted-issuers']) {
    const rule = compileRule(entry, identity.organization);
    const known = issuers.get(rule.issuer);
    issuers.set(rule.issuer, {
      issuer: rule.issuer,
      jwksUrl: known?.jwksUrl ?? entry['jwks-url'],
      algorithms: [...new Set([...(known?.algorithms ?? []), ...rule.algorithms])],
      rules: [...(known?.rules ?? []), rule],
    });
  }
  const { issuer, 'client-id': clientId } = identity.oidc;
  return { issuers, ownIssuer, signIn: issuer === '' ? undefined : { issuer, clientId } };
}

function compileRule(entry: Config['identity']['trusted-issuers'][number], organization: string): TrustRule {
  const named = scopes.filter((scope) => entry.scopes.includes(scope));
  return {
    issuer: entry.issuer,
    audience: entry.audience,
    algorithms: entry.algorithms,
    admitsSubject: compileSubjects(entry.subjects),
    conditions: Object.entries(entry.claims).map(([name, wanted]) => ({ name, isMetBy: compileCondition(wanted) })),
    maxAgeMs: entry['max-age'],
    scopes: entry.scopes.length === 0 ? withoutSaying : named,
    models: entry.models.length === 0 ? undefined : entry.models,
    organization: entry.organization === '' ? organization : entry.organization,
  };
}

/**
 * Whether one of the patterns makes a subject. `*` stands for any run of visible ASCII characters but `/` and `:`, so that it
 * crosses neither separator nor anything that only looks like one; all else is compared letter by letter, case included.
 */
export function compileSubjects(patterns: readonly string[]): (subject: string) => boolean {
  const compiled = patterns.map(compileSubject);
  return (subject) => compiled.some((admits) => admits(subject));
}

function compileSubject(pattern: string): (subject: string) => boolean {
  if (!pattern.includes('*')) return (subject) => subject === pattern;
  const pieces = splitAtSeparators(pattern).map((piece) => ({ isWild: piece.includes('*'), admits: compileGlobs([piece]) }));
  return (subject) => {
    const given = splitAtSeparators(subject);
    return given.length === pieces.length && pieces.every(({ isWild, admits }, index) => {
      const text = given[index] ?? '';
      return admits(text) && (!isWild || /^[\x21-\x7e]*$/.test(text));
    });
  };
}

/** The pieces and, between them, the separators. */
function splitAtSeparators(text: string): readonly string[] {
  return text.split(/([/:])/);
}

/** GitHub and others send numbers and truth values as texts, so that `74` and `"74"` are the same here. */
function compileCondition(wanted: string | number | boolean): (value: unknown) => boolean {
  const admits = typeof wanted === 'string' ? compileSubject(wanted) : (text: string): boolean => text === String(wanted);
  return (value) => (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') && admits(String(value));
}
