import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../internal/fault/app-error.ts';
import { sha256Hex } from '../../../internal/secret/digest.ts';
import { createMemoryUsageStore } from '../../../internal/storage/memory/usage-store.ts';
import { exportUsage, importUsage } from '../../../internal/usage/transfer.ts';
import { noonMs, usageRow } from '../../contract/usage-rows.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const clientKey = 'sk-live-Zx81Qw77Lm09Pq55';
const accountKey = 'AIzaSyA-9f8e7d6c5b4a39281706';

/** As the Go program writes it. */
const goExport = (change: object = {}): unknown => ({
  version: 1,
  exported_at: '2026-01-05T10:00:00.123456789+01:00',
  usage: {
    total_requests: 3,
    success_count: 2,
    failure_count: 1,
    total_tokens: 99,
    apis: {
      [clientKey]: {
        total_requests: 2,
        total_tokens: 40,
        models: {
          'gemini-2.5-pro': {
            total_requests: 2,
            total_tokens: 40,
            details: [
              { timestamp: '2026-01-05T10:00:00.123456789+01:00', source: accountKey, auth_index: 3, tokens: { input_tokens: 10, output_tokens: 20, reasoning_tokens: 4, cached_tokens: 0, total_tokens: 34 }, failed: false },
              { timestamp: '2026-01-05T10:00:00.123999999+01:00', source: 'someone@example.com', auth_index: 'ab12', tokens: { input_tokens: 1, output_tokens: 2, reasoning_tokens: 3, cached_tokens: 9, total_tokens: 0 }, failed: true, ...change },
            ],
          },
        },
      },
      'POST /v1/chat/completions': { total_requests: 1, total_tokens: 0, models: { m: { total_requests: 1, total_tokens: 0, details: [{ timestamp: '2026-01-06T00:00:00Z', source: '', auth_index: '', tokens: {}, failed: false }] } } },
    },
  },
});

describe('usage export and import', () => {
  it('an export imported elsewhere gives the same usage, and imported again adds nothing', async () => {
    const first = createMemoryUsageStore();
    first.append([usageRow(), usageRow({ requestId: 'req_2', clientId: 'key_bbbbbbbbbbbb', failed: true, status: 502, outcome: 'upstream_error' }), usageRow({ requestId: 'req_3', clientId: 'anonymous', clientLabel: 'anonymous', atMs: noonMs + 1 })]);
    const exported: unknown = JSON.parse(JSON.stringify(await exportUsage(first, createManualClock())));
    expect(exported).toMatchObject({ version: 1, exported_at: '2026-11-24T12:00:00.000Z', details_left_out: 0 });

    const second = createMemoryUsageStore();
    expect(await importUsage(second, exported)).toEqual({ added: 3, skipped: 0, total_requests: 3, failed_requests: 1 });
    expect(await importUsage(second, exported)).toEqual({ added: 0, skipped: 3, total_requests: 3, failed_requests: 1 });
    expect(await importUsage(first, exported)).toEqual({ added: 0, skipped: 3, total_requests: 3, failed_requests: 1 });
    const order = (store: typeof first): readonly unknown[] => [...store.newest({ limit: 9 })].sort((a, b) => (a.requestId < b.requestId ? -1 : 1));
    expect(order(second)).toEqual(order(first));
  });

  it('an export of the Go program is understood, once', async () => {
    const store = createMemoryUsageStore();
    expect(await importUsage(store, goExport())).toEqual({ added: 3, skipped: 0, total_requests: 3, failed_requests: 1 });
    expect(await importUsage(store, goExport())).toEqual({ added: 0, skipped: 3, total_requests: 3, failed_requests: 1 });
    const rows = store.newest({ limit: 9 });
    expect(rows.map((row) => row.totalTokens)).toEqual([0, 6, 34]);
    expect(rows[2]).toMatchObject({ atMs: Date.UTC(2026, 0, 5, 9, 0, 0, 123), clientId: `key_${sha256Hex(clientKey).slice(0, 12)}`, clientLabel: 'sk-l…Pq55', model: 'gemini-2.5-pro', failed: false });
    expect(rows[1]).toMatchObject({ accountLabel: 'someone@example.com', failed: true });
    expect(rows[0]).toMatchObject({ clientId: 'anonymous', endpoint: 'POST /v1/chat/completions', accountId: '' });
  });

  it('version 0, and none, are taken as version 1', async () => {
    const { usage } = Object(goExport());
    expect(await importUsage(createMemoryUsageStore(), { version: 0, usage })).toMatchObject({ added: 3 });
    expect(await importUsage(createMemoryUsageStore(), { usage })).toMatchObject({ added: 3 });
  });

  it('plaintext keys of the file are stored nowhere, nor shown in a refusal', async () => {
    const store = createMemoryUsageStore();
    await importUsage(store, goExport());
    await importUsage(store, { usage: { apis: { x: { client_id: 'key_0123456789ab', client_label: clientKey, models: { m: { details: [{ timestamp: '2026-01-06T00:00:00Z', request_id: 'r1', auth_index: 'a:1', account_label: accountKey }] } } } } } });
    const kept = JSON.stringify([store.newest({ limit: 99 }), store.totals(), store.days(), await exportUsage(store, createManualClock())]);
    for (const key of [clientKey, accountKey]) expect(kept).not.toContain(key.slice(5, -5));
    const refused: unknown = await importUsage(store, goExport({ failed: 'yes' })).catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(AppError);
    expect(JSON.stringify([String(refused), refused])).not.toContain(clientKey);
    expect(String(refused)).toContain('usage.apis[0].models[0].details[1].failed');
  });

  it.each([
    [null, 'the body'],
    [[], 'the body'],
    [{}, 'usage'],
    [{ version: 2, usage: {} }, 'version'],
    [{ version: '1', usage: {} }, 'version'],
    [{ usage: { apis: [] } }, 'usage.apis'],
    [{ usage: { apis: { k: { models: { m: { details: {} } } } } } }, 'usage.apis[0].models[0].details'],
    [goExport({ timestamp: 'now' }), 'usage.apis[0].models[0].details[1].timestamp'],
    [goExport({ tokens: { input_tokens: -1 } }), 'usage.apis[0].models[0].details[1].tokens.input_tokens'],
    [goExport({ tokens: { output_tokens: 1.5 } }), 'usage.apis[0].models[0].details[1].tokens.output_tokens'],
    [goExport({ auth_index: {} }), 'usage.apis[0].models[0].details[1].auth_index'],
  ])('bad input %# is refused by the name of its field, and nothing is stored', async (body, field) => {
    const store = createMemoryUsageStore();
    await expect(importUsage(store, body)).rejects.toMatchObject({ code: 'invalid_request', fields: { field } });
    expect(store.newest({ limit: 1 })).toEqual([]);
  });

  it('any JSON is imported or refused, never anything else', async () => {
    const place = fc.oneof(fc.jsonValue(), fc.record({ usage: fc.record({ apis: fc.dictionary(fc.string(), fc.record({ models: fc.dictionary(fc.string(), fc.record({ details: fc.array(fc.jsonValue()) })) })) }) }));
    await fc.assert(
      fc.asyncProperty(place, async (body) => {
        const outcome: unknown = await importUsage(createMemoryUsageStore(), body).catch((thrown: unknown) => thrown);
        expect(outcome instanceof Error ? outcome : new AppError('invalid_request')).toMatchObject({ code: 'invalid_request' });
      }),
      { numRuns: 200 },
    );
  });
});
