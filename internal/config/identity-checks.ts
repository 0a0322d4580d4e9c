import { nearestName } from './near-miss.ts';
import type { ConfigProblem } from './problem.ts';
import type { Config } from './schema.ts';
import { scopes } from './scopes.ts';
import { judgeEndpointUrl } from './upstream-url.ts';

type Report = (severity: ConfigProblem['severity'], path: string, message: string) => void;
type TrustedIssuerEntry = Config['identity']['trusted-issuers'][number];

/** What the settings table cannot tell of `identity`. */
export function checkIdentity(config: Config, report: Report): void {
  checkPublicUrl(config, report);
  checkIdle(config, report);
  checkSignIn(config, report);
  for (const [index, entry] of config.identity['trusted-issuers'].entries()) {
    const path = `identity.trusted-issuers.${index}`;
    checkIssuer(config, entry, path, report);
    checkSubjects(entry, path, report);
    checkClaims(entry, path, report);
    checkScopes(entry.scopes, `${path}.scopes`, report);
    if (entry.algorithms.length === 0) report('error', `${path}.algorithms`, 'must name at least one');
    if (entry['max-age'] === 0) report('error', `${path}.max-age`, 'must be longer than nothing: every token would be too old');
  }
  checkRepeated(config.identity['trusted-issuers'], report);
}

/** Security rule 30: whoever reads along would have every token that is issued. */
function checkPublicUrl(config: Config, report: Report): void {
  if (!config.identity.enabled) return;
  if (config['public-url'] === '') {
    if (config.port === 0) report('error', 'public-url', 'must say where others reach this daemon while `identity.enabled` is true and `port` is 0: everything that is issued names it');
    return;
  }
  if (!URL.canParse(config['public-url'])) return;
  const objection = objectTo(config['public-url'], true);
  if (objection !== undefined) report('error', 'public-url', `${objection} while \`identity.enabled\` is true`);
}

/** Written with care, and without effect. */
function checkIdle({ identity }: Config, report: Report): void {
  if (identity.enabled) return;
  if (identity.oidc.issuer !== '') report('warning', 'identity.oidc', 'has no effect while `identity.enabled` is false: nobody signs in there');
}

function checkSignIn({ identity: { oidc } }: Config, report: Report): void {
  if (oidc.issuer !== '') {
    const objection = objectTo(oidc.issuer, false);
    if (objection !== undefined) report('error', 'identity.oidc.issuer', objection);
    if (oidc['client-id'] === '') report('error', 'identity.oidc.client-id', 'must be what the provider at `issuer` gave for Keyward');
    // OpenID Connect Core §3.1.2.1
    if (!oidc.scopes.includes('openid')) report('error', 'identity.oidc.scopes', 'must hold `openid`: without it the provider says not who signed in');
  } else if (oidc['client-id'] !== '') report('error', 'identity.oidc.issuer', 'must name the provider that `client-id` is for');
  for (const [group, granted] of Object.entries(oidc['group-scopes'])) {
    const path = `identity.oidc.group-scopes.${group}`;
    if (granted.length === 0) report('error', path, 'must list at least one scope');
    checkScopes(granted, path, report);
  }
}

function checkScopes(granted: readonly string[], path: string, report: Report): void {
  for (const [index, scope] of granted.entries()) {
    if (scope === 'secrets:read') report('error', `${path}.${index}`, 'is the management secret’s alone');
    else if (!scopes.some((known) => known === scope)) {
      const meant = nearestName(scope, scopes);
      report('error', `${path}.${index}`, `is no scope${meant === undefined ? `; there are ${scopes.filter((known) => known !== 'secrets:read').join(', ')}` : `; did you mean \`${meant}\`?`}`);
    }
  }
}

function checkIssuer(config: Config, entry: TrustedIssuerEntry, path: string, report: Report): void {
  const objection = objectTo(entry.issuer, false);
  if (objection !== undefined) report('error', `${path}.issuer`, objection);
  const own = config['public-url'].replace(/\/+$/, '');
  if (own !== '' && entry.issuer === `${own}/oauth`) report('error', `${path}.issuer`, 'is this daemon itself, whose own tokens need no entry');
  const keysObjection = entry['jwks-url'] === '' ? undefined : objectTo(entry['jwks-url'], true);
  if (keysObjection !== undefined) report('error', `${path}.jwks-url`, keysObjection);
  // As Kubernetes and others put it into tokens that are for themselves.
  if (entry.audience === entry.issuer) report('error', `${path}.audience`, 'names the issuer and not this daemon: whoever gets a token for the issuer could use it here');
  const { oidc } = config.identity;
  if (oidc['client-id'] !== '' && entry.issuer === oidc.issuer && entry.audience === oidc['client-id']) report('error', `${path}.audience`, 'is `identity.oidc.client-id`: people’s ID tokens would count as workloads; have the issuer make tokens for another audience');
}

/** Security rules 14 and 33. Undefined when the address will do; else the rest of a sentence. */
function objectTo(url: string, mayHaveQuery: boolean): string | undefined {
  const verdict = judgeEndpointUrl(url, { allowsHttp: false, mayHaveQuery });
  if (verdict.kind === 'error' && !url.toLowerCase().startsWith('http://')) return verdict.message;
  return verdict.kind === 'fine' ? undefined : 'must be https; plain http will do on this machine only';
}

/** Issuers that sign for everybody: the owner must stand in the subject, or be a condition. */
const sharedIssuers = [
  // `repo:octo/app:…`, or with ids `repo:octo@65/app@74:…`, of which either will do; no name holds an `@`.
  { issuer: 'https://token.actions.githubusercontent.com', openOwner: /^(?:[^:]*\*|repo:[^/@]*\*[^/@]*(?:@[^/]*\*[^/]*)?(?:\/|$))/, owners: ['repository_owner_id', 'repository_owner', 'repository_id', 'repository', 'enterprise_id'] },
  { issuer: 'https://gitlab.com', openOwner: /^(?:[^:]*\*|project_path:[^/]*\*)/, owners: ['namespace_id', 'namespace_path', 'project_id', 'project_path'] },
] as const;

function checkSubjects({ issuer, subjects, claims }: TrustedIssuerEntry, path: string, report: Report): void {
  if (subjects.length === 0) report('error', `${path}.subjects`, 'must name at least one subject, such as `repo:octo/app:ref:refs/heads/main` or `system:serviceaccount:my-namespace:*`');
  const shared = sharedIssuers.find((known) => known.issuer === issuer);
  const hasOwner = shared?.owners.some((name) => Object.hasOwn(claims, name)) ?? true;
  for (const [index, subject] of subjects.entries()) {
    if (/^[*/:]*$/.test(subject)) report('error', `${path}.subjects.${index}`, 'would let in whoever the issuer makes tokens for; name who may come in');
    else if (shared !== undefined && !hasOwner && shared.openOwner.test(subject)) report('error', `${path}.subjects.${index}`, `would let in everybody’s repositories: write the owner out, or add ${shared.owners[0]} to \`claims\``);
  }
}

/** Checked for every token. */
const ownClaims: ReadonlySet<string> = new Set(['iss', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sub']);

function checkClaims({ claims }: TrustedIssuerEntry, path: string, report: Report): void {
  for (const [name, value] of Object.entries(claims)) {
    if (ownClaims.has(name)) report('error', `${path}.claims.${name}`, 'is checked already; leave it out');
    else if (typeof value === 'number' && !Number.isSafeInteger(value)) report('error', `${path}.claims.${name}`, 'must be in quotes: as a number it is not exact');
    else if (typeof value === 'string' && /^[*/:]*$/.test(value)) report('error', `${path}.claims.${name}`, value === '' ? 'must not be empty' : 'is met by any value; name what it must be');
  }
}

/** Entries of one issuer are tried in order, so that a later one with the same conditions would never count. */
function checkRepeated(entries: readonly TrustedIssuerEntry[], report: Report): void {
  const seen = new Map<string, number>();
  const keyPlaces = new Map<string, string>();
  for (const [index, { issuer, audience, subjects, claims, 'jwks-url': jwksUrl }] of entries.entries()) {
    const path = `identity.trusted-issuers.${index}`;
    const conditions = Object.entries(claims).map(([name, value]) => `${name}=${String(value)}`).sort();
    for (const [at, subject] of subjects.entries()) {
      const key = JSON.stringify([issuer, audience, subject, conditions]);
      const earlier = seen.get(key);
      if (earlier === undefined) seen.set(key, index);
      else report('error', `${path}.subjects.${at}`, `stands for this issuer, audience and claims already in \`identity.trusted-issuers.${earlier}\`; keep one`);
    }
    if ((keyPlaces.get(issuer) ?? jwksUrl) !== jwksUrl) report('error', `${path}.jwks-url`, 'differs from that of an earlier entry of this issuer, which has one set of keys');
    else keyPlaces.set(issuer, jwksUrl);
  }
}
