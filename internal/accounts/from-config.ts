import { isFramingHeader } from '../config/framing-headers.ts';
import type { CompatEntry, Config, KeyEntry, VertexEntry } from '../config/schema.ts';
import type { ConfigProblem } from '../config/problem.ts';
import type { Dialect } from '../dialect/dialect.ts';
import { sha256Hex } from '../secret/digest.ts';
import type { Secret } from '../secret/secret.ts';
import type { Account, Addressing, Credential, ProviderKind } from './account.ts';
import { servedModel } from './served-model.ts';

/** What an entry of any kind says beside its key. */
type Entry = KeyEntry | VertexEntry | CompatEntry;

interface Kind {
  readonly provider: ProviderKind;
  /** Where an entry without `base-url` goes (contract §8). */
  readonly baseUrl: string;
  readonly addressing: Addressing;
  readonly dialects: readonly Dialect[];
  /** What `dialects` may name: the paths of other dialects are not known below such an endpoint. */
  readonly speakable: readonly Dialect[];
}

/** Clarification 6; an entry's `dialects` overrides. */
const kinds = {
  'gemini-api-key': { provider: 'gemini', addressing: 'gemini', baseUrl: 'https://generativelanguage.googleapis.com', dialects: ['gemini'], speakable: ['gemini'] },
  'claude-api-key': { provider: 'anthropic', addressing: 'versioned', baseUrl: 'https://api.anthropic.com', dialects: ['anthropic-messages'], speakable: ['anthropic-messages', 'openai-chat'] },
  'codex-api-key': { provider: 'openai', addressing: 'plain', baseUrl: 'https://api.openai.com/v1', dialects: ['openai-responses', 'openai-chat'], speakable: ['openai-responses', 'openai-chat', 'anthropic-messages'] },
  'vertex-api-key': { provider: 'vertex', addressing: 'vertex', baseUrl: '', dialects: ['gemini'], speakable: ['gemini'] },
  'openai-compatibility': { provider: 'openai-compatibility', addressing: 'plain', baseUrl: '', dialects: ['openai-chat'], speakable: ['openai-chat', 'openai-responses', 'anthropic-messages'] },
} as const satisfies Record<string, Kind>;

type Section = keyof typeof kinds;
type Warn = (path: string, message: string) => void;

/**
 * All accounts that stand in the config itself, in its order. Of two with the same kind, name, base URL and key the first
 * counts, unless it alone is disabled. Expects a decoded config: legacy spellings are lifted by then.
 */
export function accountsFromConfig(config: Config): { readonly accounts: readonly Account[]; readonly warnings: readonly ConfigProblem[] } {
  const warnings: ConfigProblem[] = [];
  const warn: Warn = (path, message) => void warnings.push({ severity: 'warning', path, message });
  const byId = new Map<string, Account>();
  const add = (account: Account): void => {
    const first = byId.get(account.id);
    const wins = first === undefined || (first.disabled && !account.disabled);
    if (wins) byId.set(account.id, account);
    if (first === undefined) return;
    const [used, unused] = wins ? [account, first] : [first, account];
    warn(unused.origin, `is the same endpoint and key as ${used.origin} and is not used`);
  };

  for (const section of ['gemini-api-key', 'claude-api-key', 'codex-api-key', 'vertex-api-key'] as const) {
    for (const [index, entry] of config[section].entries()) {
      const origin = `${section}.${index}`;
      const apiKey = presentKey(entry['api-key']);
      if (apiKey === undefined && (entry['base-url'] === '' || entry['base-url'].startsWith(kinds[section].baseUrl))) {
        warn(`${origin}.api-key`, 'is empty, so the entry is not used');
        continue;
      }
      const build = accountBuilder(section, entry, section.replace(/-api-key$/, ''), origin, warn);
      add(build({ origin, apiKey, proxyUrl: entry['proxy-url'] }));
    }
  }
  for (const [index, entry] of config['openai-compatibility'].entries()) {
    const origin = `openai-compatibility.${index}`;
    const build = accountBuilder('openai-compatibility', entry, entry.name.toLowerCase(), origin, warn);
    if (entry['api-key-entries'].length === 0) add(build({ origin, apiKey: undefined, proxyUrl: entry['proxy-url'] }));
    for (const [at, key] of entry['api-key-entries'].entries()) {
      const proxyUrl = key['proxy-url'] === '' ? entry['proxy-url'] : key['proxy-url'];
      add(build({ origin: `${origin}.api-key-entries.${at}`, apiKey: presentKey(key['api-key']), proxyUrl }));
    }
  }
  return { accounts: [...byId.values()], warnings };
}

/** An empty key is no key: local endpoints want none. */
function presentKey(key: Secret): Secret | undefined {
  return key.reveal() === '' ? undefined : key;
}

/** What differs between the accounts of one entry. */
interface Particulars {
  readonly origin: string;
  readonly apiKey: Secret | undefined;
  readonly proxyUrl: string;
}

function accountBuilder(section: Section, entry: Entry, name: string, entryOrigin: string, warn: Warn): (particulars: Particulars) => Account {
  const kind: Kind = kinds[section];
  const baseUrl = (entry['base-url'] === '' ? kind.baseUrl : entry['base-url']).replace(/\/+$/, '');
  const dialects = readDialects(entry, kind, entryOrigin, warn);
  const prefix = readPrefix(entry.prefix, entryOrigin, warn);
  const models = entry.models.map(servedModel);
  const excludedModels = entry['excluded-models'].map((pattern) => pattern.toLowerCase()).filter((pattern) => pattern !== '');
  const headers = new Map(Object.entries(entry.headers).filter(([name]) => !isFramingHeader(name)));
  const providerName = section === 'openai-compatibility' ? name : '';
  return ({ origin, apiKey, proxyUrl }) => ({
    id: `${section}:${sha256Hex(`${baseUrl}\n${providerName}\n${apiKey?.reveal() ?? ''}`).slice(0, 12)}`,
    provider: kind.provider,
    owner: ownerOf(kind.provider, name),
    label: apiKey === undefined ? name : `${name} (${apiKey.masked()})`,
    origin,
    credential: { kind: 'key', key: apiKey, carriers: carriersOf(kind.provider, baseUrl) },
    baseUrl,
    addressing: kind.addressing,
    dialects,
    prefix,
    models,
    aliases: [],
    excludedModels,
    headers,
    vendorHeaders: noHeaders,
    anthropicBetas: [],
    project: '',
    proxyUrl,
    priority: entry.priority,
    weight: entry.weight,
    disabled: entry.disabled,
    coolingDisabled: entry['disable-cooling'],
    extraRounds: entry['request-retry'],
  });
}

const noHeaders: ReadonlyMap<string, string> = new Map();

function ownerOf(provider: ProviderKind, name: string): string {
  if (provider === 'openai-compatibility') return name;
  return provider === 'gemini' || provider === 'vertex' ? 'google' : provider;
}

function carriersOf(provider: ProviderKind, baseUrl: string): Extract<Credential, { readonly kind: 'key' }>['carriers'] {
  if (provider === 'gemini' || provider === 'vertex') return ['x-goog-api-key'];
  if (provider !== 'anthropic') return ['bearer'];
  // Anthropic-style endpoints of others read either header; api.anthropic.com takes x-api-key for keys.
  return baseUrl.startsWith('https://api.anthropic.com') ? ['x-api-key'] : ['x-api-key', 'bearer'];
}

function readDialects(entry: Entry, kind: Kind, origin: string, warn: Warn): readonly Dialect[] {
  if (entry.dialects === undefined) return kind.dialects;
  const named = [...new Set(entry.dialects)];
  const usable = named.filter((dialect) => kind.speakable.includes(dialect));
  const unusable = named.filter((dialect) => !kind.speakable.includes(dialect));
  if (unusable.length > 0) warn(`${origin}.dialects`, `names ${unusable.join(', ')}, which this kind of entry cannot speak; it can speak ${kind.speakable.join(', ')}`);
  if (usable.length > 0) return usable;
  if (unusable.length === 0) warn(`${origin}.dialects`, `is empty, so ${kind.dialects.join(', ')} is taken`);
  return kind.dialects;
}

/** Slashes at the ends are cut; one inside could not be told from a model's own, so such a prefix is dropped. */
function readPrefix(prefix: string, origin: string, warn: Warn): string {
  const trimmed = prefix.replace(/^\/+|\/+$/g, '');
  if (!trimmed.includes('/')) return trimmed;
  warn(`${origin}.prefix`, 'holds a slash inside and is not used: choose one without');
  return '';
}
