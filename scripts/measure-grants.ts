import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Grant } from '../internal/clients/grant.ts';
import { createBudgetLedger } from '../internal/clients/limits/budget-ledger.ts';
import { createLimits, isMetered } from '../internal/clients/limits/limits.ts';
import type { Principal } from '../internal/clients/principal.ts';
import { systemClock } from '../internal/clock/clock.ts';
import { refuseByGrant } from '../internal/http/grant-check.ts';
import { silentLogger } from '../internal/log/logger.ts';
import { takeLease } from '../internal/proxy/take-lease.ts';
import { compilePrices } from '../internal/proxy/prices.ts';
import { mayBeServedBy } from '../internal/routing/account-limits.ts';
import { mayUse } from '../internal/routing/model-limits.ts';
import { openSqliteStores } from '../internal/storage/sqlite/stores.ts';

/*
 * `node scripts/measure-grants.ts`: what the rights and limits of a key cost an exchange, in microseconds: the door's check, the
 * model, the account, a lease taken and settled, over SQLite. The aim is 10 µs in all; without limits, nothing.
 */

const rounds = 200_000;
const batches = 20;

const grant: Grant = {
  scopes: ['models:use', 'models:read'],
  models: ['gpt-*', 'claude-*', 'gemini-2.5-flash', 'm'],
  accounts: ['openai-compatibility:0123456789ab', 'provider:openai-compatibility'],
  addresses: ['10.0.0.0/8', '192.168.0.0/16', '127.0.0.1', '2001:db8::/32'],
  requestsPerMinute: 1e9,
  tokensPerMinute: 1e12,
  maxConcurrent: 1_000,
  dailyBudget: { requests: 1e12, tokens: 1e14, cost: 1e9 },
  monthlyBudget: { requests: 1e12, tokens: 1e14, cost: 1e9 },
};
const key = (...grants: readonly Grant[]): Principal => ({ id: 'ck_a', kind: 'managed-key', label: 'key', holders: grants.map((each, index) => ({ id: `ck_${index}`, grant: each })) });
const callers: readonly (readonly [string, Principal])[] = [
  ['no holders (keys of the config)', { id: 'key_a', kind: 'static-key', label: 'key' }],
  ['a key without limits', key({})],
  ['a key with every limit', key(grant)],
  ['a key and its minter with every limit', key(grant, grant)],
];

const folder = mkdtempSync(join(tmpdir(), 'keyward-grants-'));
const stores = openSqliteStores({ file: join(folder, 'keyward.db'), clock: systemClock });
const ledger = createBudgetLedger({ store: stores.budgets, clock: systemClock, log: silentLogger });
const limits = createLimits({ clock: systemClock, ledger });
const prices = compilePrices([{ model: 'gpt-*', input: 1, output: 2 }, { model: '*', input: 1, output: 10, cached: 0.1 }]);
const bytes = Buffer.from(JSON.stringify({ model: 'm', max_tokens: 1_000, messages: [{ role: 'user', content: 'What are grants for? '.repeat(20) }] }));
const request = { operation: { dialect: 'openai-chat', operation: 'chat' }, model: 'm', isStream: false, requestBytes: bytes.length, bytes } as const;
const peer = { address: '127.0.0.1' };
const account = { id: 'openai-compatibility:0123456789ab', provider: 'openai-compatibility' } as const;
const used = { input: 100, output: 50, cached: 0, wasSent: true };

const rights = (caller: Principal): boolean => refuseByGrant(caller, peer, 'models:use') === undefined && mayUse(caller, 'm') && mayBeServedBy(caller, account);
const lease = (caller: Principal): void => takeLease(limits, caller, request, { prices })?.settle(used);

/** The median of batches, in µs a round. */
function measure(run: () => unknown): number {
  const took = Array.from({ length: batches }, () => {
    const startedMs = systemClock.monotonicMs();
    for (let round = 0; round < rounds / batches; round += 1) run();
    return ((systemClock.monotonicMs() - startedMs) * 1_000) / (rounds / batches);
  }).toSorted((a, b) => a - b);
  return took[Math.floor(batches / 2)] ?? Number.NaN;
}

const cell = (value: number): string => value.toFixed(2).padStart(8);
process.stdout.write(`${''.padEnd(40)}  rights     lease       all   (µs an exchange)\n`);
for (const [name, caller] of callers) {
  const [ofRights, ofLease] = [measure(() => rights(caller)), measure(() => lease(caller))];
  process.stdout.write(`${name.padEnd(40)}${cell(ofRights)}  ${cell(ofLease)}  ${cell(ofRights + ofLease)}${isMetered(caller) ? '' : '   not counted'}\n`);
}
await ledger.close();
stores.close();
rmSync(folder, { recursive: true });
