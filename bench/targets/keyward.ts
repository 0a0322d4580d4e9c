import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { systemClock } from '../../internal/clock/clock.ts';
import { sha256Hex } from '../../internal/secret/digest.ts';
import { storagePlaces } from '../../internal/storage/places.ts';
import { openSqliteStores } from '../../internal/storage/sqlite/stores.ts';
import { managedKey } from '../credentials/managed-key.ts';
import { takeFreePort } from '../process/free-port.ts';
import { allModels, chatPath } from '../workloads.ts';
import { clientKey, keyedEndpoint, originOf, upstreamKey, type TargetId, type TargetKind } from './target.ts';

const binary = resolve(import.meta.dirname, '../../dist/keyward.mjs');

interface Variant {
  readonly id: TargetId;
  readonly title: string;
  /** Lines of `config.yaml` beyond the address, folders and the upstream. */
  readonly settings: () => string;
  /** The upstream account: a key of the config, or a login's file in the auth directory. */
  readonly account: 'key' | 'login' | 'other-dialect';
  /** The client's key: of the config, or a managed one. */
  readonly key?: 'managed';
  readonly startLimitMs: number;
}

const ungoverned: Variant = {
  id: 'keyward-open',
  title: 'Keyward ungoverned',
  settings: () => 'usage-statistics-enabled: false\nlog-level: error\n',
  account: 'key',
  startLimitMs: 20_000,
};

const governed: Variant = {
  id: 'keyward',
  title: 'Keyward governed',
  settings: () => `api-keys:\n  - "${clientKey}"\n`,
  account: 'key',
  startLimitMs: 20_000,
};

/** All that can be asked of a key, asked of it; bounds that a run does not reach. */
const governedWhole: Variant = {
  ...governed,
  id: 'keyward-managed',
  title: 'Keyward, a managed key with every limit',
  settings: () => 'client-auth: required\nprices:\n  - { model: "*", input: 1, output: 1 }\n',
  key: 'managed',
};

const governedLogin: Variant = {
  ...governed,
  id: 'keyward-login',
  title: 'Keyward governed, a login upstream',
  account: 'login',
};

/** The clients speak openai-chat, the upstream anthropic-messages. */
const governedTranslated: Variant = {
  ...governed,
  id: 'keyward-translated',
  title: 'Keyward governed, translated',
  account: 'other-dialect',
};

const governedManyKeys: Variant = {
  id: 'keyward-100k',
  title: 'Keyward, 100,000 keys',
  // The one in use stands in the middle, so that neither end of a list is favoured.
  settings: () => `api-keys: ${manyKeys(50_000, 'a').slice(0, -1)},"${clientKey}",${manyKeys(49_999, 'b').slice(1)}\n`,
  account: 'key',
  startLimitMs: 120_000,
};

export const keywardTargets: readonly TargetKind[] = [ungoverned, governed, governedWhole, governedLogin, governedTranslated, governedManyKeys].map((variant) => ({
  id: variant.id,
  title: variant.title,
  prepare: () => (existsSync(binary) ? undefined : 'dist/keyward.mjs is not built (npm run build)'),
  launch: async ({ children, upstream, folder }) => {
    const port = await takeFreePort();
    const config = join(folder, 'config.yaml');
    writeFileSync(config, `${headText(port, variant.settings())}${accounts[variant.account](originOf(upstream))}`, { mode: 0o600 });
    if (variant.key === 'managed') writeManagedKey(join(folder, 'data'));
    if (variant.account === 'login') writeLogin(join(folder, 'auth'));
    const child = children.spawn(process.execPath, [binary, 'serve', '--config', config], { cwd: folder, env: { HOME: folder }, outputPath: `${folder}.log` });
    return { child, endpoint: keyedEndpoint(port, chatPath) };
  },
  startLimitMs: variant.startLimitMs,
}));

function headText(port: number, settings: string): string {
  return `port: ${port}
auth-dir: "./auth"
data-dir: "./data"
${settings}`;
}

function keyAccount(upstream: string): string {
  return `openai-compatibility:
  - name: "bench"
    base-url: "${upstream}/v1"
    api-key-entries:
      - api-key: "${upstreamKey}"
    models:
${allModels.map((name) => `      - name: "${name}"`).join('\n')}
`;
}

function messagesAccount(upstream: string): string {
  return `claude-api-key:
  - api-key: "${upstreamKey}"
    base-url: "${upstream}"
    models:
${allModels.map((name) => `      - name: "${name}"`).join('\n')}
`;
}

function loginAccount(upstream: string): string {
  return `oauth:
  bench:
    client-id: "bench"
    token-url: "${upstream}/token"
    authorize-url: "${upstream}/authorize"
    base-url: "${upstream}/v1"
    models:
${allModels.map((name) => `      - name: "${name}"`).join('\n')}
`;
}

const accounts: Readonly<Record<Variant['account'], (upstream: string) => string>> = { key: keyAccount, login: loginAccount, 'other-dialect': messagesAccount };

/** A token that outlives the run: what is measured is spending it. */
function writeLogin(directory: string): void {
  mkdirSync(directory, { mode: 0o700 });
  const file = { type: 'bench', email: 'bench@example.com', access_token: upstreamKey, refresh_token: 'sk-bench-refresh', expired: '2099-01-01T00:00:00Z', last_refresh: '2026-01-01T00:00:00Z' };
  writeFileSync(join(directory, 'bench.json'), JSON.stringify(file), { mode: 0o600 });
}

/** The client's key as a managed one, with scopes, models, rates and budgets. */
function writeManagedKey(dataDir: string): void {
  const { database } = storagePlaces(dataDir);
  mkdirSync(dirname(database), { recursive: true, mode: 0o700 });
  const stores = openSqliteStores({ file: database, clock: systemClock });
  const bound = 1_000_000_000;
  const budget = { requests: bound, tokens: bound * 1_000, cost: bound };
  stores.managedKeys.insert([managedKey(sha256Hex(clientKey), { scopes: ['models:use', 'models:read'], models: [...allModels, 'gpt-*'], requestsPerMinute: bound, tokensPerMinute: bound * 1_000, maxConcurrent: 10_000, dailyBudget: budget, monthlyBudget: budget })]);
  stores.close();
}

/** Seven characters a key: a file of 1 MB holds 100,000 of them, and not of the usual length. */
function manyKeys(count: number, salt: string): string {
  return `[${Array.from({ length: count }, (_, index) => `${salt}x${index.toString(36).padStart(5, '0')}`).join(',')}]`;
}
