import { loginVariable } from './login-environment.ts';
import { loginPresets, presetOf } from './login-presets.ts';
import { nearestName } from './near-miss.ts';
import type { ConfigProblem } from './problem.ts';
import type { Config, LoginEntry } from './schema.ts';
import { judgeEndpointUrl } from './upstream-url.ts';

type Report = (severity: ConfigProblem['severity'], path: string, message: string) => void;

/** Would read as a part of Keyward, or of the Go program, that is no login. */
const reservedNames: ReadonlySet<string> = new Set(['oauth', 'keyward', 'aistudio', 'amp', 'callback', 'login']);
const namePattern = /^[a-z\d](?:[a-z\d-]{0,62}[a-z\d])?$/i;
// RFC 6749 §3.3: scope-token.
const scopePattern = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Parameters that Keyward sets itself. */
const ownAuthorizeParameters: ReadonlySet<string> = new Set(['client_id', 'redirect_uri', 'response_type', 'state', 'code_challenge', 'code_challenge_method', 'scope']);
const ownTokenParameters: ReadonlySet<string> = new Set(['grant_type', 'code', 'redirect_uri', 'client_id', 'client_secret', 'client_assertion', 'refresh_token', 'code_verifier', 'device_code']);

const endpointNames = ['authorize-url', 'token-url', 'device-authorization-url', 'revocation-url', 'userinfo-url'] as const;

/** What the settings table cannot tell of `oauth.<name>` entries. Addresses, prefixes and headers that all entries have are the caller's. */
export function checkLogins(config: Config, report: Report): void {
  const entries = Object.entries(config.oauth);
  checkNames(entries.map(([name]) => name), report);
  for (const [name, entry] of entries) {
    const path = `oauth.${name}`;
    const known = presetOf(name);
    checkEndpoints(entry, path, report);
    checkParameters(entry, path, report);
    checkClient(entry, path, report);
    if (known === undefined) checkOwn(name, entry, path, report);
    else checkPreset(known.name, entry, path, report);
  }
}

function checkNames(names: readonly string[], report: Report): void {
  const taken = new Map<string, string>();
  for (const name of names) {
    const path = `oauth.${name}`;
    const known = presetOf(name);
    if (known === undefined && reservedNames.has(name.toLowerCase())) report('error', path, 'is a reserved name; choose another for your login');
    else if (known === undefined && !namePattern.test(name)) report('error', path, 'must be a name of letters, digits and inner dashes, at most 64');
    const key = known?.name ?? loginVariable(name);
    const other = taken.get(key);
    if (other !== undefined) report('error', path, known === undefined ? `cannot be told from \`oauth.${other}\`: both read ${key}_CLIENT_ID; rename one` : `and \`oauth.${other}\` are both the preset \`${known.name}\`; keep one`);
    taken.set(key, name);
  }
}

function checkEndpoints(entry: LoginEntry, path: string, report: Report): void {
  const judge = (name: 'issuer' | (typeof endpointNames)[number], mayHaveQuery: boolean): void => {
    if (entry[name] === '') return;
    const verdict = judgeEndpointUrl(entry[name], { allowsHttp: entry['insecure-http'], mayHaveQuery });
    if (verdict.kind !== 'fine') report(verdict.kind, `${path}.${name}`, verdict.message);
  };
  // RFC 8414 §2: an issuer has neither query nor fragment; RFC 6749 §3 lets endpoints have a query.
  judge('issuer', false);
  for (const name of endpointNames) judge(name, true);
}

function checkParameters(entry: LoginEntry, path: string, report: Report): void {
  for (const [index, scope] of entry.scopes.entries()) if (!scopePattern.test(scope)) report('error', `${path}.scopes.${index}`, 'must be one scope, without blanks or quotes');
  for (const name of Object.keys(entry['authorize-parameters'])) if (ownAuthorizeParameters.has(name)) report('error', `${path}.authorize-parameters.${name}`, `is set by Keyward itself${name === 'scope' ? '; write `scopes`' : ''}`);
  for (const name of Object.keys(entry['token-parameters'])) if (ownTokenParameters.has(name)) report('error', `${path}.token-parameters.${name}`, 'is set by Keyward itself');
}

function checkClient(entry: LoginEntry, path: string, report: Report): void {
  const proves = entry['client-auth'] === 'basic' || entry['client-auth'] === 'post';
  if (proves && entry['client-secret'] === undefined) report('error', `${path}.client-auth`, 'needs `client-secret`');
  if (entry['client-auth'] === 'none' && entry['client-secret'] !== undefined) report('warning', `${path}.client-auth`, 'is none, so `client-secret` is not used');
  if (entry.dialect !== undefined && entry.dialects !== undefined && !entry.dialects.includes(entry.dialect)) report('error', `${path}.dialect`, 'is not among `dialects`; keep one of the two');
}

function checkPreset(preset: string, entry: LoginEntry, path: string, report: Report): void {
  const known = presetOf(preset)?.preset;
  if (known === undefined) return;
  if (entry.grant !== 'auto' && !known.grants.some((grant) => grant === entry.grant)) {
    report('error', `${path}.grant`, known.grants.length === 0 ? 'does not apply: this account comes from a service account’s file' : `must be ${known.grants.join(' or ')} for this provider`);
  }
  if (entry.mode !== 'auto' && preset !== 'google') report('error', `${path}.mode`, 'is for google alone');
  for (const dialect of spokenDialects(entry)) {
    if (known.dialects.includes(dialect) || (entry['base-url'] !== '' && !known.isBoundToDialects)) continue;
    report('error', `${path}.${entry.dialects === undefined ? 'dialect' : 'dialects'}`, `must be ${known.dialects.join(' or ')} ${known.isBoundToDialects ? 'for this provider' : 'while `base-url` is the provider’s own'}`);
  }
}

function spokenDialects(entry: LoginEntry): NonNullable<LoginEntry['dialects']> {
  return entry.dialects ?? (entry.dialect === undefined ? [] : [entry.dialect]);
}

/** An endpoint of the operator's own has nothing to fall back on. */
function checkOwn(name: string, entry: LoginEntry, path: string, report: Report): void {
  if (entry.mode !== 'auto') report('error', `${path}.mode`, 'is for google alone');
  const missing = missingEndpoints(entry);
  if (missing.length > 0) {
    const meant = nearestName(name, loginPresets.keys());
    report('error', path, `needs \`issuer\`, or ${missing.map((endpoint) => `\`${endpoint}\``).join(' and ')}${meant === undefined ? '' : `; did you mean the preset \`${meant}\`?`}`);
  }
  if (entry['base-url'] === '') report('error', path, 'needs `base-url`: the endpoint that its tokens are for');
  if (entry.grant !== 'client-credentials') return;
  if (entry['client-id'] === '') report('error', path, `needs \`client-id\`, or ${loginVariable(name)}_CLIENT_ID in the environment`);
  if (entry['client-secret'] === undefined) report('error', path, `needs \`client-secret\`, or ${loginVariable(name)}_CLIENT_SECRET in the environment: the grant is client-credentials`);
  if (entry['client-auth'] === 'none') report('error', `${path}.client-auth`, 'must not be none with the client-credentials grant');
}

function missingEndpoints(entry: LoginEntry): readonly string[] {
  if (entry.issuer !== '') return [];
  const needed = {
    auto: ['authorize-url', 'token-url'],
    'authorization-code': ['authorize-url', 'token-url'],
    device: ['device-authorization-url', 'token-url'],
    'client-credentials': ['token-url'],
  } as const;
  return needed[entry.grant].filter((name) => entry[name] === '');
}
