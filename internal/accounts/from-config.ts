import type { CompatEntry, Config, KeyEntry, VertexEntry } from '../config/schema.ts';
import type { ConfigProblem } from '../config/problem.ts';
import type { Dialect } from '../dialect/dialect.ts';
import { sha256Hex } from '../secret/digest.ts';
import type { Secret } from '../secret/secret.ts';
import type { Account, ProviderKind } from './account.ts';

/** What an entry of any kind says beside its key. */
type Entry = KeyEntry | VertexEntry | CompatEntry;

interface Kind {
  readonly provider: ProviderKind;
  /** Where an entry without `base-url` goes (contract §8). */
  readonly baseUrl: string;
  readonly dialects: readonly Dialect[];
}

/** Clarification 6; an entry's `dialects` overrides. */
const kinds = {
  'gemini-api-key': { provider: 'gemini', baseUrl: 'https://generativelanguage.googleapis.com', dialects: ['gemini'] },
  'claude-api-key': { provider: 'anthropic', baseUrl: 'https://api.anthropic.com', dialects: ['anthropic-messages'] },
  'codex-api-key': { provider: 'openai', baseUrl: 'https://api.openai.com/v1', dialects: ['openai-responses', 'openai-chat'] },
  'vertex-api-key': { provider: 'vertex', baseUrl: '', dialects: ['gemini'] },
  'openai-compatibility': { provider: 'openai-compatibility', baseUrl: '', dialects: ['openai-chat'] },
} as const satisfies Record<string, Kind>;

type Section = keyof typeof kinds;

/** All accounts that stand in the config itself, in its order; of two with the same kind, base URL and key the first counts. */
export function accountsFromConfig(config: Config): { readonly accounts: readonly Account[]; readonly warnings: readonly ConfigProblem[] } {
  const warnings: ConfigProblem[] = [];
  const byId = new Map<string, Account>();
  const add = (account: Account): void => {
    const first = byId.get(account.id);
    if (first === undefined) byId.set(account.id, account);
    else warnings.push({ severity: 'warning', path: account.origin, message: `is the same endpoint and key as ${first.origin} and is not used` });
  };
  for (const section of ['gemini-api-key', 'claude-api-key', 'codex-api-key', 'vertex-api-key'] as const) {
    config[section].forEach((entry, index) => {
      add(buildAccount(section, entry, { origin: `${section}.${index}`, apiKey: entry['api-key'], name: section.replace(/-api-key$/, ''), proxyUrl: entry['proxy-url'] }, warnings));
    });
  }
  config['openai-compatibility'].forEach((entry, index) => {
    const origin = `openai-compatibility.${index}`;
    const name = entry.name.toLowerCase();
    if (entry['api-key-entries'].length === 0) add(buildAccount('openai-compatibility', entry, { origin, apiKey: undefined, name, proxyUrl: entry['proxy-url'] }, warnings));
    entry['api-key-entries'].forEach((key, at) => {
      const proxyUrl = key['proxy-url'] === '' ? entry['proxy-url'] : key['proxy-url'];
      add(buildAccount('openai-compatibility', entry, { origin: `${origin}.api-key-entries.${at}`, apiKey: key['api-key'], name, proxyUrl }, warnings));
    });
  });
  return { accounts: [...byId.values()], warnings };
}

interface Particulars {
  readonly origin: string;
  readonly apiKey: Secret | undefined;
  readonly name: string;
  readonly proxyUrl: string;
}

function buildAccount(section: Section, entry: Entry, { origin, apiKey, name, proxyUrl }: Particulars, warnings: ConfigProblem[]): Account {
  const kind: Kind = kinds[section];
  const baseUrl = (entry['base-url'] === '' ? kind.baseUrl : entry['base-url']).replace(/\/+$/, '');
  const digest = sha256Hex(`${baseUrl}\n${section === 'openai-compatibility' ? name : ''}\n${apiKey?.reveal() ?? ''}`).slice(0, 12);
  return {
    id: `${section}:${digest}`,
    provider: kind.provider,
    label: apiKey === undefined ? name : `${name} (${apiKey.masked()})`,
    origin,
    apiKey,
    baseUrl,
    dialects: entry.dialects ?? kind.dialects,
    prefix: readPrefix(entry.prefix, origin, warnings),
    models: entry.models.map((model) => ({ name: model.name, alias: model.alias === '' ? model.name : model.alias })),
    excludedModels: entry['excluded-models'].map((pattern) => pattern.toLowerCase()).filter((pattern) => pattern !== ''),
    headers: new Map(Object.entries(entry.headers)),
    proxyUrl,
    priority: entry.priority,
    weight: entry.weight,
    disabled: entry.disabled,
    coolingDisabled: entry['disable-cooling'],
  };
}

/** Slashes at the ends are cut; one inside could not be told from a model's own, so such a prefix is dropped. */
function readPrefix(prefix: string, origin: string, warnings: ConfigProblem[]): string {
  const trimmed = prefix.replace(/^\/+|\/+$/g, '');
  if (!trimmed.includes('/')) return trimmed;
  warnings.push({ severity: 'warning', path: `${origin}.prefix`, message: 'holds a slash inside and is not used: choose one without' });
  return '';
}
