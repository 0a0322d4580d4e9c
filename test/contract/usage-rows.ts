import type { StoredUsage } from '../../internal/usage/store.ts';

export const noonMs = Date.UTC(2026, 10, 24, 12);

/** A plausible row; `change` says what the test is about. */
export function usageRow(change: Partial<StoredUsage> = {}): StoredUsage {
  return {
    requestId: 'req_1',
    atMs: noonMs,
    clientId: 'key_0123456789ab',
    clientLabel: 'sk-a…9f3c',
    accountId: 'openai:0123456789ab',
    accountLabel: 'openai (sk-o…11aa)',
    provider: 'openai',
    model: 'gpt-5-mini',
    endpoint: 'POST /v1/chat/completions',
    status: 200,
    outcome: 'ok',
    failed: false,
    attempts: 1,
    latencyMs: 120.5,
    firstByteMs: 30.25,
    tokens: { input: 10, output: 5, reasoning: 2, cached: 4, estimated: false },
    totalTokens: 15,
    ...change,
  };
}
