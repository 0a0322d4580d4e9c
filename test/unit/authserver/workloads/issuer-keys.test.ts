import { generateKeyPairSync } from 'node:crypto';
import { generateKeyPair, exportJWK, type JWK } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openIssuerKeys, type IssuerKeys } from '../../../../internal/authserver/workloads/issuer-keys.ts';
import { findInKeySet, readKeySet } from '../../../../internal/authserver/workloads/key-set.ts';
import type { JwtAlgorithm } from '../../../../internal/clients/jwt/read-jwt.ts';
import { createManualClock, type ManualClock } from '../../../support/manual-clock.ts';
import { createAddresses, createPlatform, publish, type Addresses, type Platform } from '../../../support/workload-world.ts';

const issuer = 'https://id.example.com/tenant';
const minuteMs = 60_000;

let clock: ManualClock;
let addresses: Addresses;
let platform: Platform;
const problems: string[] = [];
const opened: IssuerKeys[] = [];
beforeEach(async () => {
  clock = createManualClock();
  addresses = createAddresses();
  platform = await createPlatform(issuer, clock.nowMs);
  publish(addresses, platform);
  problems.length = 0;
});
afterEach(() => {
  for (const keys of opened.splice(0)) keys.close();
});

async function open(more: { readonly issuer?: string; readonly jwksUrl?: string } = {}): Promise<IssuerKeys> {
  const keys = openIssuerKeys({ issuer, jwksUrl: '', ...more, http: addresses.http, proxyUrl: () => '', clock, onProblem: (problem) => problems.push(problem ?? 'well') });
  opened.push(keys);
  await keys.settled();
  return keys;
}
const said = (keys: IssuerKeys, kid: string | undefined = 'first', algorithm: JwtAlgorithm = 'ES256'): string => {
  const found = keys.find(kid, algorithm);
  return typeof found === 'string' ? found : 'found';
};
const failEverything = (): void => {
  for (const url of addresses.answers.keys()) addresses.failing.add(url);
};

describe('an issuer’s keys', () => {
  it('are unavailable until the first answer, then found without asking', async () => {
    const keys = openIssuerKeys({ issuer, jwksUrl: '', http: addresses.http, proxyUrl: () => '', clock, onProblem: () => undefined });
    opened.push(keys);
    expect(said(keys)).toBe('unavailable');
    await keys.settled();
    expect(addresses.asked).toEqual([`${issuer}/.well-known/openid-configuration`, `${issuer}/jwks`]);
    expect([said(keys), said(keys, undefined), said(keys, 'other'), said(keys, 'first', 'RS256')]).toEqual(['found', 'found', 'unknown', 'unknown']);
    expect(addresses.asked).toHaveLength(2);
  });

  it('are found by RFC 8414 where OpenID Connect has no document', async () => {
    addresses.answers.delete(`${issuer}/.well-known/openid-configuration`);
    addresses.answers.set('https://id.example.com/.well-known/oauth-authorization-server/tenant', () => JSON.stringify({ issuer, jwks_uri: `${issuer}/jwks` }));
    expect(said(await open())).toBe('found');
  });

  it('are found at jwks-url without a question for metadata', async () => {
    expect(said(await open({ jwksUrl: `${issuer}/jwks` }))).toBe('found');
    expect(addresses.asked).toEqual([`${issuer}/jwks`]);
  });

  it.each([
    ['names another issuer', { issuer: `${issuer}/`, jwks_uri: `${issuer}/jwks` }, 'the metadata of the issuer names another issuer'],
    ['names no keys', { issuer }, 'the metadata of the issuer names no jwks_uri; set `jwks-url`'],
    ['is no object', [], 'the metadata of the issuer is not a JSON object'],
    ['names keys over plain http', { issuer, jwks_uri: 'http://id.example.com/jwks' }, 'the key set is at an address that is not asked; it must be https, or http on this machine'],
    ['names keys on the local network', { issuer, jwks_uri: 'http://10.0.0.1/jwks' }, 'the key set is at an address that is not asked; it must be https, or http on this machine'],
    ['names keys at the cloud’s metadata address', { issuer, jwks_uri: 'https://169.254.169.254/jwks' }, 'the key set is at an address that is not asked; it must be https, or http on this machine'],
    ['names keys on this machine', { issuer, jwks_uri: 'http://127.0.0.1:9/jwks' }, 'the metadata of the issuer names keys on this machine'],
    ['names keys on this machine over TLS', { issuer, jwks_uri: 'https://localhost/jwks' }, 'the metadata of the issuer names keys on this machine'],
    ['names a file', { issuer, jwks_uri: 'file:///etc/passwd' }, 'the key set is at an address that is not asked; it must be https, or http on this machine'],
  ])('are not taken where the metadata %s', async (_what, metadata, problem) => {
    const other = 'https://id.example.com/.well-known/oauth-authorization-server/tenant';
    for (const url of [`${issuer}/.well-known/openid-configuration`, other]) addresses.answers.set(url, () => JSON.stringify(metadata));
    const keys = await open();
    expect([said(keys), keys.state().problem]).toEqual(['unavailable', problem]);
    expect(addresses.asked.filter((url) => !url.startsWith('https://id.example.com/'))).toEqual([]);
  });

  it('are asked for anew every quarter of an hour, so that a withdrawn one stops counting', async () => {
    const keys = await open();
    const revision = keys.revision();
    await platform.addKey('second');
    platform.keys.shift();
    clock.advance(15 * minuteMs);
    await keys.settled();
    expect([said(keys), said(keys, 'second')]).toEqual(['unknown', 'found']);
    expect(keys.revision()).toBe(revision + 1);
    clock.advance(15 * minuteMs);
    await keys.settled();
    expect(keys.revision()).toBe(revision + 1);
  });

  it('are asked for anew for a key that is not known, at most once a minute', async () => {
    const keys = await open();
    await platform.addKey('second');
    expect(said(keys, 'second')).toBe('unknown');
    clock.advance(minuteMs);
    expect(said(keys, 'second')).toBe('unavailable');
    await keys.settled();
    expect(said(keys, 'second')).toBe('found');
    const asked = addresses.asked.length;
    for (let guess = 0; guess < 1_000; guess += 1) said(keys, `guess ${guess}`);
    expect(said(keys, 'guess')).toBe('unknown');
    expect(addresses.asked).toHaveLength(asked);
  });

  it('are kept for a day while the issuer is away; what is not among them is unavailable, and never unknown', async () => {
    const keys = await open();
    failEverything();
    clock.advance(15 * minuteMs);
    await keys.settled();
    expect([said(keys), said(keys, 'other')]).toEqual(['found', 'unavailable']);
    clock.advance(23 * 60 * minuteMs);
    expect(said(keys)).toBe('found');
    clock.advance(60 * minuteMs);
    expect(said(keys)).toBe('unavailable');
    expect(problems).toEqual(['the metadata of the issuer cannot be read (ECONNRESET)']);
  });

  it('come back within a minute with the issuer, and the trouble is told once', async () => {
    failEverything();
    const keys = await open();
    for (let minute = 0; minute < 3; minute += 1) {
      clock.advance(minuteMs);
      await keys.settled();
    }
    addresses.failing.clear();
    expect(said(keys)).toBe('unavailable');
    clock.advance(minuteMs);
    await keys.settled();
    expect(said(keys)).toBe('found');
    expect(problems).toHaveLength(2);
    expect(problems[1]).toBe('well');
  });

  it('stay as they were when the issuer answers with nonsense', async () => {
    const keys = await open();
    addresses.answers.set(`${issuer}/jwks`, () => '<html>');
    clock.advance(15 * minuteMs);
    await keys.settled();
    expect([said(keys), keys.state().problem]).toEqual(['found', 'the key set is not a JSON object with a list of keys']);
  });

  it('are not asked for after the end', async () => {
    const keys = await open();
    keys.close();
    const asked = addresses.asked.length;
    clock.advance(60 * minuteMs);
    said(keys, 'other');
    await keys.settled();
    expect(addresses.asked).toHaveLength(asked);
  });
});

describe('a key set', () => {
  const rsa = (kid: string, modulusLength = 2_048): JWK => ({ ...generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' }), kid });
  const readFrom = (...keys: readonly unknown[]): string => {
    const read = readKeySet(JSON.stringify({ keys }));
    return read.ok ? read.value.map(({ keyId }) => keyId ?? '-').join() : read.error;
  };

  it('gives the keys that signatures can be checked with', async () => {
    const good = rsa('good');
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const others: unknown[] = [
      { kty: 'oct', k: 'c2VjcmV0', kid: 'hmac' },
      { ...good, kid: 'enc', use: 'enc' },
      { ...good, kid: 'ops', key_ops: ['encrypt'] },
      { ...(await exportJWK(privateKey)), kid: 'private' },
      { ...good, kid: 7 },
      { kty: 'RSA', kid: 'cert', x5c: ['MIIB'] },
      { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'off the curve' },
      { kty: 'OKP', crv: 'X25519', kid: 'agreement', x: 'A' },
      null,
      'text',
    ];
    expect(readFrom(good, ...others)).toBe('good');
    expect(readFrom(...others)).toBe('the key set has no key that signatures could be checked with');
  });

  it('is bounded in size and in keys', () => {
    const good = rsa('good');
    expect(readFrom(...Array.from({ length: 101 }, () => good))).toBe('the key set lists more than 100 keys');
    expect(readFrom({ ...good, note: 'x'.repeat(256 * 1_024) })).toBe('the key set is larger than 256 kB');
  });

  it.each(['', '[]', '{}', '{"keys":{}}', 'null'])('is refused as %j', (text) => {
    expect(readKeySet(text)).toEqual({ ok: false, error: 'the key set is not a JSON object with a list of keys' });
  });

  it('gives a key only for its own algorithm, and without a key id only where there is one', () => {
    const read = readKeySet(JSON.stringify({ keys: [{ ...rsa('a'), alg: 'RS256' }, rsa('b'), rsa('small', 1_024)] }));
    const keys = read.ok ? read.value : [];
    const found = (kid: string | undefined, algorithm: JwtAlgorithm): boolean => findInKeySet(keys, kid, algorithm) !== undefined;
    expect([found('a', 'RS256'), found('a', 'PS256'), found('b', 'PS256'), found('b', 'ES256'), found('small', 'RS256')]).toEqual([true, false, true, false, false]);
    expect([found(undefined, 'RS256'), found(undefined, 'PS256')]).toEqual([false, true]);
  });
});
