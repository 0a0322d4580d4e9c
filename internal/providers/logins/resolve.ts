import type { Addressing } from '../../accounts/account.ts';
import { servedModel } from '../../accounts/served-model.ts';
import { isFramingHeader } from '../../config/framing-headers.ts';
import type { Config, LoginEntry } from '../../config/schema.ts';
import type { Dialect } from '../../dialect/dialect.ts';
import type { ClientRegistration, LoginEndpoints, LoginGrant, LoginProfile, SpendProfile } from '../login-profile.ts';
import { baseProfile, codeAssistSpend, vendorProfiles, vertexBelow } from './vendors.ts';

/** All logins there are: the presets with the operator's overrides, then the operator's own, by name. */
export interface LoginProfiles {
  readonly all: readonly LoginProfile[];
  /** By name or alias, in any case. */
  readonly find: (name: string) => LoginProfile | undefined;
  /** By `type` of an auth file, lower case. */
  readonly ofFileType: (type: string) => LoginProfile | undefined;
}

export function resolveLoginProfiles(config: Config): LoginProfiles {
  const entries = new Map(Object.entries(config.oauth).map(([name, entry]) => [name.toLowerCase(), entry]));
  const presets = vendorProfiles.map((preset) => {
    const entry = [preset.name, ...preset.aliases].map((name) => entries.get(name)).find((found) => found !== undefined);
    return entry === undefined ? preset : override(preset, entry);
  });
  const taken = new Set(vendorProfiles.flatMap(({ name, aliases }) => [name, ...aliases]));
  const own = [...entries].filter(([name]) => !taken.has(name)).map(([name, entry]) => ownProfile(name, entry));
  const all = [...presets, ...own];
  const byName = new Map(all.flatMap((profile) => [profile.name, ...profile.aliases].map((name) => [name, profile] as const)));
  const byType = new Map(all.flatMap((profile) => [profile.fileType, ...profile.otherFileTypes].map((type) => [type, profile] as const)));
  return { all, find: (name) => byName.get(name.toLowerCase()), ofFileType: (type) => byType.get(type) };
}

function ownProfile(name: string, entry: LoginEntry): LoginProfile {
  const grants: readonly LoginGrant[] = ['authorization-code', 'device'];
  const profile: LoginProfile = { ...baseProfile, name, title: name, fileType: name, provider: 'oauth', grants, redirect: undefined, afterIssue: 'id-token' };
  return override(profile, entry);
}

function override(preset: LoginProfile, entry: LoginEntry): LoginProfile {
  const grants = overrideGrants(preset.grants, entry.grant);
  const redirectPort = entry['redirect-port'];
  return {
    ...preset,
    grants,
    endpoints: overrideEndpoints(preset.endpoints, entry),
    allowsPlainHttp: entry['insecure-http'],
    registration: readRegistration(preset.registration, entry),
    scopes: entry.scopes.length === 0 ? preset.scopes : entry.scopes,
    authorizeParameters: { ...preset.authorizeParameters, ...entry['authorize-parameters'] },
    tokenParameters: { ...preset.tokenParameters, ...entry['token-parameters'] },
    redirect: redirectPort === undefined ? preset.redirect : redirectPort === 0 ? undefined : { port: redirectPort, path: preset.redirect?.path ?? '/callback' },
    tokenRequestForm: entry['token-request'] === 'auto' ? preset.tokenRequestForm : entry['token-request'],
    rotatesRefreshTokens: entry['rotates-refresh-tokens'] ?? preset.rotatesRefreshTokens,
    refreshLeadMs: entry['refresh-lead'] ?? preset.refreshLeadMs,
    spend: overrideSpend(preset, entry),
    isCustom: true,
  };
}

function overrideGrants(preset: readonly LoginGrant[], written: LoginEntry['grant']): readonly LoginGrant[] {
  if (written === 'auto') return preset;
  if (written === 'client-credentials') return [written];
  // `device` is the vendor's own way of it, where it has one.
  const first = written === 'device' && preset.includes('codex-device') ? 'codex-device' : written;
  return [first, ...preset.filter((grant) => grant !== first)];
}

function overrideEndpoints(preset: LoginEndpoints, entry: LoginEntry): LoginEndpoints {
  // Another issuer's endpoints are found by its own metadata, so the preset's do not stand in for them.
  const base: LoginEndpoints = entry.issuer === '' ? preset : { issuer: entry.issuer, authorize: '', token: '', deviceAuthorization: '', revocation: '', userinfo: '' };
  const either = (written: string, fallback: string): string => (written === '' ? fallback : written);
  return {
    issuer: base.issuer,
    authorize: either(entry['authorize-url'], base.authorize),
    token: either(entry['token-url'], base.token),
    deviceAuthorization: either(entry['device-authorization-url'], base.deviceAuthorization),
    revocation: either(entry['revocation-url'], base.revocation),
    userinfo: either(entry['userinfo-url'], base.userinfo),
  };
}

function readRegistration(preset: ClientRegistration, entry: LoginEntry): ClientRegistration {
  const clientSecret = entry['client-secret'];
  const written = entry['client-auth'];
  const preferred = preset.authentication === 'none' ? 'client_secret_basic' : preset.authentication;
  const authentication = written === 'auto' ? (clientSecret === undefined ? 'none' : preferred) : written === 'none' ? 'none' : written === 'basic' ? 'client_secret_basic' : 'client_secret_post';
  return { clientId: entry['client-id'], clientSecret, authentication };
}

/** How the paths of a dialect are made below an endpoint of the operator's. */
const addressingOf: Readonly<Record<Dialect, Addressing>> = { 'openai-chat': 'plain', 'openai-responses': 'plain', 'anthropic-messages': 'versioned', gemini: 'gemini' };

function overrideSpend(preset: LoginProfile, entry: LoginEntry): SpendProfile {
  const spend = entry.mode === 'code-assist' ? codeAssistSpend : preset.spend;
  const baseUrl = entry['base-url'].replace(/\/+$/, '');
  const dialects = entry.dialects ?? (entry.dialect === undefined ? spend.dialects : [entry.dialect]);
  const [first] = dialects;
  const place: Pick<SpendProfile, 'baseUrl' | 'baseUrlOf'> =
    baseUrl === '' ? spend : spend.addressing === 'vertex' ? { baseUrl: '', baseUrlOf: (file) => vertexBelow(baseUrl, file) } : { baseUrl, baseUrlOf: () => undefined };
  return {
    ...spend,
    baseUrl: place.baseUrl,
    baseUrlOf: place.baseUrlOf,
    dialects,
    addressing: preset.provider === 'oauth' && first !== undefined ? addressingOf[first] : spend.addressing,
    headers: new Map(Object.entries(entry.headers).filter(([name]) => !isFramingHeader(name))),
    prefix: entry.prefix.replace(/^\/+|\/+$/g, ''),
    proxyUrl: entry['proxy-url'],
    models: entry.models.map(servedModel),
    excludedModels: entry['excluded-models'].map((pattern) => pattern.toLowerCase()).filter((pattern) => pattern !== ''),
    priority: entry.priority,
    weight: entry.weight,
    disabled: entry.disabled,
    coolingDisabled: entry['disable-cooling'],
    extraRounds: entry['request-retry'],
  };
}
