import { describe, expect, it } from 'vitest';
import { readResetHint } from '../../../internal/proxy/reset-hints.ts';

const nowMs = Date.UTC(2026, 10, 28, 12);
const empty = Buffer.alloc(0);
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe('when a vendor says it will serve again', () => {
  it.each<[string, Readonly<Record<string, string>>, Buffer, { readonly afterMs: number; readonly isAccountWide: boolean } | undefined]>([
    ['Retry-After in seconds', { 'retry-after': '7' }, empty, { afterMs: 7_000, isAccountWide: false }],
    ['Retry-After as a date', { 'retry-after': new Date(nowMs + 90_000).toUTCString() }, empty, { afterMs: 90_000, isAccountWide: false }],
    ['retry-after-ms', { 'retry-after-ms': '1500', 'retry-after': '2' }, empty, { afterMs: 1_500, isAccountWide: false }],
    ['Anthropic’s plan', { 'anthropic-ratelimit-unified-status': 'rejected', 'anthropic-ratelimit-unified-reset': String(nowMs / 1_000 + 3_600) }, empty, { afterMs: 3_600_000, isAccountWide: true }],
    ['OpenAI’s requests', { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s', 'x-ratelimit-remaining-tokens': '12', 'x-ratelimit-reset-tokens': '9h' }, empty, { afterMs: 360_000, isAccountWide: false }],
    ['ChatGPT’s plan', {}, json({ error: { type: 'usage_limit_reached', message: 'x', resets_in_seconds: 120 } }), { afterMs: 120_000, isAccountWide: true }],
    ['ChatGPT’s plan, by the clock', {}, json({ error: { type: 'usage_limit_reached', resets_at: nowMs / 1_000 + 60 } }), { afterMs: 60_000, isAccountWide: true }],
    ['Google’s RetryInfo', {}, json({ error: { code: 429, details: [{ '@type': 'x' }, { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.5s' }] } }), { afterMs: 34_500, isAccountWide: false }],
    ['Google’s, streamed', {}, json([{ error: { code: 429, details: [{ retryDelay: '1s' }] } }]), { afterMs: 1_000, isAccountWide: false }],
    ['nothing', {}, json({ error: { message: 'resets_in_seconds soon', resets_in_seconds: 'soon' } }), undefined],
    ['nonsense', { 'retry-after': 'tomorrow', 'anthropic-ratelimit-unified-reset': 'x' }, Buffer.from('retryDelay {'), undefined],
  ])('%s is understood', (_, headers, body, expected) => {
    expect(readResetHint(headers, body, nowMs)).toEqual(expected);
  });
});
