import type { Account, ModelAlias } from '../accounts/account.ts';
import type { AuthFile, OperatorFields } from '../accounts/auth-file/auth-file.ts';
import { isFramingHeader } from '../config/framing-headers.ts';
import type { Config } from '../config/schema.ts';
import { judgeBaseUrl, judgeProxyUrl } from '../config/upstream-url.ts';
import { err, ok, type Result } from '../fault/result.ts';
import { escapeForeign } from '../log/escape.ts';
import { Secret } from '../secret/secret.ts';
import type { LoginProfile, SpendProfile } from './login-profile.ts';

/** Which login an account belongs to. */
export interface LoginPlace {
  readonly profile: LoginProfile;
  readonly loginKey: string;
  readonly accountId: string;
}

/**
 * The account of one file; the file's own settings go before `oauth.<provider>`. An error is one sentence that says why the
 * file makes none; `warnings` name what was left out.
 */
export function accountOfFile(file: AuthFile, profile: LoginProfile, config: Config, place: LoginPlace): Result<{ readonly account: Account; readonly warnings: readonly string[] }, string> {
  const { spend } = profile;
  const { operator } = file;
  const warnings: string[] = [];
  const baseUrl = baseUrlOfFile(file, profile);
  if (!baseUrl.ok) return baseUrl;
  // Without its proxy the account would go out by a way that the operator did not want.
  const objection = judgeProxyUrl(operator.proxyUrl);
  if (objection !== undefined) return err(`Its \`proxy_url\` ${objection}.`);
  const base = accountOfProfile(profile, config, place, baseUrl.value, operator);
  const account: Account = {
    ...base,
    label: labelOf(file, profile),
    origin: file.name,
    prefix: readPrefix(operator.prefix, warnings) ?? base.prefix,
    headers: joinHeaders(spend.headers, operator.headers, warnings),
    vendorHeaders: factHeadersOf(file, spend, warnings),
    project: spend.addressing === 'code-assist' ? firstOf(file.fact('project_id')) : '',
    proxyUrl: operator.proxyUrl === '' ? spend.proxyUrl : operator.proxyUrl,
    // A file that says nothing and one that says the default look alike; the config's word counts for both.
    priority: operator.priority === 0 ? spend.priority : operator.priority,
    weight: operator.weight === 1 ? spend.weight : operator.weight,
    disabled: spend.disabled || operator.disabled,
    coolingDisabled: spend.coolingDisabled || operator.disableCooling,
  };
  return ok({ account, warnings });
}

/** The account of a login that has no file. An error is one sentence. */
export function accountOfConfig(profile: LoginProfile, config: Config, place: LoginPlace): Result<Account, string> {
  const { baseUrl } = profile.spend;
  return baseUrl === '' ? err(missingBaseUrl(profile)) : ok(accountOfProfile(profile, config, place, baseUrl, undefined));
}

function accountOfProfile(profile: LoginProfile, config: Config, place: LoginPlace, baseUrl: string, operator: OperatorFields | undefined): Account {
  const { spend } = profile;
  const names = namesOfProfile(profile);
  const renames = [...(operator?.modelAliases ?? []).map(({ name, alias }) => ({ name, alias, isForked: false })), ...configuredAliases(config, names)];
  const excluded = [...spend.excludedModels, ...(operator?.excludedModels ?? []), ...ofProvider(config['oauth-excluded-models'], names)];
  return {
    id: place.accountId,
    provider: profile.provider,
    owner: ownerOf(profile),
    label: profile.name,
    origin: `oauth.${profile.name}`,
    credential: { kind: 'login', loginKey: place.loginKey },
    baseUrl,
    addressing: spend.addressing,
    dialects: spend.dialects,
    prefix: spend.prefix,
    ...renameModels(spend.models, renames),
    excludedModels: [...new Set(excluded.map((pattern) => pattern.toLowerCase()).filter((pattern) => pattern !== ''))],
    headers: spend.headers,
    vendorHeaders: new Map(),
    anthropicBetas: spend.anthropicBetas,
    project: '',
    proxyUrl: spend.proxyUrl,
    priority: spend.priority,
    weight: spend.weight,
    disabled: spend.disabled,
    coolingDisabled: spend.coolingDisabled,
    extraRounds: spend.extraRounds,
  };
}

/** The file's own word first, then what its facts say, then the preset's or the config's. */
function baseUrlOfFile(file: AuthFile, profile: LoginProfile): Result<string, string> {
  const { operator } = file;
  const stated = [operator.baseUrl, profile.spend.baseUrlOf(file) ?? ''].find((url) => url !== '');
  if (stated === undefined) return profile.spend.baseUrl === '' ? err(missingBaseUrl(profile)) : ok(profile.spend.baseUrl);
  // `insecure-http` is of the config's addresses, which Vertex alone fills in by the file.
  const isOfConfig = operator.baseUrl === '' && profile.spend.addressing === 'vertex';
  const verdict = judgeBaseUrl(stated, isOfConfig && profile.allowsPlainHttp);
  return verdict.kind === 'error' ? err(`The address where its tokens are spent ${verdict.message}.`) : ok(stated.replace(/\/+$/, ''));
}

function missingBaseUrl({ name, provider }: LoginProfile): string {
  if (provider === 'vertex') return 'It names no usable `project_id` and `location`, so there is no address to send requests to.';
  return `Nothing says where its tokens are spent: add \`base-url\` to \`oauth.${name}\` in the config.`;
}

/** Further names under which the config may speak of a login's models. */
function namesOfProfile({ name, aliases, fileType, otherFileTypes }: LoginProfile): ReadonlySet<string> {
  return new Set([name, ...aliases, fileType, ...otherFileTypes]);
}

function ofProvider<T>(byProvider: Readonly<Record<string, readonly T[]>>, names: ReadonlySet<string>): readonly T[] {
  return Object.entries(byProvider).flatMap(([provider, items]) => (names.has(provider.toLowerCase()) ? items : []));
}

function configuredAliases(config: Config, names: ReadonlySet<string>): readonly ModelAlias[] {
  return ofProvider(config['oauth-model-alias'], names).map(({ name, alias, fork }) => ({ name, alias, isForked: fork }));
}

/** With a list of models the renames change that list; without one they stand beside any name. */
function renameModels(models: SpendProfile['models'], renames: readonly ModelAlias[]): Pick<Account, 'models' | 'aliases'> {
  if (models.length === 0) return { models, aliases: renames };
  const renamed = models.flatMap((model) => {
    const own = renames.filter(({ name }) => name === model.name);
    const isKept = own.length === 0 || own.some(({ isForked }) => isForked);
    return [...(isKept ? [model] : []), ...own.map(({ alias }) => ({ ...model, alias }))];
  });
  return { models: renamed, aliases: [] };
}

/** Owners as `/v1/models` shows them, where they differ from the provider. */
const owners: Readonly<Partial<Record<Account['provider'], string>>> = { codex: 'openai', vertex: 'google', kimi: 'moonshot' };

function ownerOf({ provider, name }: LoginProfile): string {
  return provider === 'oauth' ? name : (owners[provider] ?? provider);
}

/** `claude (ann@example.com)`; with the workspace or project, since one e-mail may have several. */
function labelOf(file: AuthFile, { fileType }: LoginProfile): string {
  const who = file.email === '' ? file.name.replace(/\.json$/i, '') : file.email;
  const where = firstOf(file.fact('project_id')) || (file.fact('account_id') ?? '').slice(0, 8);
  return escapeForeign(`${fileType} (${[who, where].filter((part) => part !== '').join(', ')})`, 160);
}

/** The first of `a,b`: files of the Go program may name several projects, of which the first is the login's own. */
function firstOf(list: string | undefined): string {
  return (list ?? '').split(',', 1)[0]?.trim() ?? '';
}

function readPrefix(prefix: string, warnings: string[]): string | undefined {
  if (prefix === '') return undefined;
  if (!prefix.includes('/')) return prefix;
  warnings.push('Its `prefix` holds a slash inside and is not used: choose one without.');
  return undefined;
}

const headerName = /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/;
// RFC 9110 §5.5, without bytes beyond ASCII, which no vendor takes.
const headerValue = /^[\t\x20-\x7e]*$/;

/** The config's headers and the file's, which win; lower-case names. */
function joinHeaders(configured: ReadonlyMap<string, Secret>, own: ReadonlyMap<string, string>, warnings: string[]): ReadonlyMap<string, Secret> {
  const joined = new Map([...configured].map(([name, value]) => [name.toLowerCase(), value] as const));
  for (const [name, value] of own) {
    if (isFramingHeader(name)) warnings.push(`Its header "${name}" is set by Keyward itself and is left out.`);
    else if (headerName.test(name) && headerValue.test(value)) joined.set(name.toLowerCase(), new Secret(value));
    else warnings.push(`Its header "${escapeForeign(name, 64)}" cannot be sent and is left out.`);
  }
  return joined;
}

function factHeadersOf(file: AuthFile, { factHeaders }: SpendProfile, warnings: string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const [name, fact] of Object.entries(factHeaders)) {
    const value = firstOf(file.fact(fact));
    if (value === '') continue;
    if (headerValue.test(value)) headers.set(name, value);
    else warnings.push(`Its \`${fact}\` cannot be sent as the header \`${name}\`, which is left out.`);
  }
  return headers;
}
