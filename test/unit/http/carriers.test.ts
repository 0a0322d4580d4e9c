import type { IncomingHttpHeaders } from 'node:http';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectCredentials, collectManagementKeys, redactTarget, selectSubprotocol } from '../../../internal/http/carriers.ts';

function carried(headers: IncomingHttpHeaders, query: string = '', isUpgrade: boolean = false): readonly string[] {
  return collectCredentials(headers, query, isUpgrade).map((credential) => `${credential.scheme === 'none' ? '' : `${credential.scheme} `}${credential.value}${credential.isInHeader ? '' : ' (query)'}`);
}

describe('a client key is found', () => {
  it.each<[string, IncomingHttpHeaders, string, readonly string[]]>([
    ['as Bearer', { authorization: 'Bearer k1' }, '', ['bearer k1']],
    ['as bearer in any case, with any spaces', { authorization: 'bEARER   k1 ' }, '', ['bearer k1']],
    ['as DPoP', { authorization: 'DPoP k1' }, '', ['dpop k1']],
    ['as the bare value', { authorization: 'k1' }, '', ['k1']],
    ['in x-goog-api-key', { 'x-goog-api-key': 'k1' }, '', ['k1']],
    ['in x-api-key', { 'x-api-key': 'k1' }, '', ['k1']],
    ['in query key', {}, 'alt=sse&key=k1', ['k1 (query)']],
    ['in query auth_token', {}, 'auth_token=k%2B1', ['k+1 (query)']],
    ['in an encoded query name', {}, 'k%65y=k1', ['k1 (query)']],
    ['in every carrier at once', { authorization: 'Bearer a', 'x-goog-api-key': 'b', 'x-api-key': 'c' }, 'key=d&auth_token=e', ['bearer a', 'b', 'c', 'd (query)', 'e (query)']],
    ['once when it is repeated', { authorization: 'Bearer a', 'x-api-key': 'a' }, 'key=a', ['bearer a']],
    ['as the first of a repeated query name only', {}, 'key=a&key=b&key=c', ['a (query)']],
    ['as UTF-8 although Node reads Latin-1', { 'x-api-key': Buffer.from('schlüssel').toString('latin1') }, '', ['schlüssel']],
    ['as Latin-1 where it is no UTF-8', { 'x-api-key': 'schl\u00fcssel' }, '', ['schlüssel']],
  ])('%s', (_, headers, query, expected) => {
    expect(carried(headers, query)).toEqual(expected);
  });

  it.each<[IncomingHttpHeaders, string]>([
    [{}, ''], [{ authorization: '' }, ''], [{ authorization: 'Bearer' }, ''], [{ authorization: 'Bearer  ' }, ''], [{ 'x-api-key': '' }, 'key=&auth_token='], [{}, 'monkey=1&keys=2'],
    [{ cookie: 'key=k1' }, ''],
  ])('nowhere in %j %j', (headers, query) => {
    expect(carried(headers, query)).toEqual([]);
  });

  it('in the sub-protocol of an upgrade, and there alone', () => {
    const headers = { 'sec-websocket-protocol': 'realtime, openai-insecure-api-key.k1, openai-beta.x' };
    expect(carried(headers, '', true)).toEqual(['k1']);
    expect(carried(headers, '', false)).toEqual([]);
  });

  it('whatever else the carriers hold, without throwing', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(fc.property(text, text, text, text, (authorization, apiKey, query, protocol) => {
      const found = collectCredentials({ authorization, 'x-api-key': apiKey, 'sec-websocket-protocol': protocol }, query, true);
      expect(found.length).toBeLessThanOrEqual(6);
      expect(found.every((credential) => credential.value !== '')).toBe(true);
    }));
  });

  it('next to any wrong value in another carrier', () => {
    const wrong = fc.stringMatching(/^[!-~]{1,20}$/);
    fc.assert(fc.property(wrong, wrong, (a, b) => {
      expect(carried({ authorization: a, 'x-goog-api-key': b, 'x-api-key': 'the-right-one' }).some((value) => value.endsWith('the-right-one'))).toBe(true);
    }));
  });
});

describe('a management key is found', () => {
  it.each<[IncomingHttpHeaders, readonly string[]]>([
    [{ authorization: 'Bearer s' }, ['s']],
    [{ authorization: 'bearer s' }, ['s']],
    [{ authorization: 's' }, ['s']],
    [{ 'x-management-key': 's' }, ['s']],
    [{ authorization: 'Bearer a', 'x-management-key': 'b' }, ['a', 'b']],
    [{ authorization: 'Bearer a', 'x-management-key': 'a' }, ['a']],
    [{ authorization: 'Bearer ', 'x-management-key': ' ' }, []],
    [{ 'x-api-key': 's' }, []],
  ])('in %j', (headers, expected) => {
    expect(collectManagementKeys(headers)).toEqual(expected);
  });
});

describe('the selected sub-protocol', () => {
  it('is the first that carries no key, or none', () => {
    expect(selectSubprotocol({ 'sec-websocket-protocol': 'openai-insecure-api-key.k1, realtime, other' })).toBe('realtime');
    expect(selectSubprotocol({ 'sec-websocket-protocol': 'openai-insecure-api-key.k1' })).toBeUndefined();
    expect(selectSubprotocol({})).toBeUndefined();
  });
});

describe('a target in a log', () => {
  it.each(['key', 'auth_token', 'state', 'code', 'user_code', 'k%65y', 'KEY'])('shows nothing of %s', (name) => {
    const shown = redactTarget({ path: '/google/callback', query: `alt=sse&${name}=hunter2` });
    expect(shown).not.toContain('hunter2');
    expect(shown.startsWith('/google/callback?alt=sse&')).toBe(true);
  });

  it('without a query is its path', () => {
    expect(redactTarget({ path: '/v1/models', query: '' })).toBe('/v1/models');
  });
});
