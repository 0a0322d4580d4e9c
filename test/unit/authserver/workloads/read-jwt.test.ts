import { createHmac, createPublicKey, generateKeyPairSync, sign as signBytes, type KeyObject } from 'node:crypto';
import * as fc from 'fast-check';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWTHeaderParameters } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { jwtAlgorithms, readJwt, verifyJwt, type FindKey, type JwtAlgorithm } from '../../../../internal/clients/jwt/read-jwt.ts';
import { verifyClientKey, type CredentialSource } from '../../../../internal/clients/verify.ts';

const encode = (value: string | object): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const forge = (header: string | object, claims: string | object, signature = 'AAAA'): string => `${encode(header)}.${encode(claims)}.${signature}`;
const header = { alg: 'ES256', kid: 'a', typ: 'JWT' };
const faultOf = (token: string): string => {
  const read = readJwt(token);
  return read.ok ? 'read' : read.error;
};

interface Pair {
  readonly sign: CryptoKey;
  readonly verify: KeyObject;
}
const pairs = new Map<JwtAlgorithm, Pair>();
beforeAll(async () => {
  for (const algorithm of jwtAlgorithms) {
    const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
    pairs.set(algorithm, { sign: privateKey, verify: createPublicKey(await exportSPKI(publicKey)) });
  }
});
const pairOf = (algorithm: JwtAlgorithm): Pair => pairs.get(algorithm)!;
const find: FindKey = (_keyId, algorithm) => pairOf(algorithm).verify;
const demands = { algorithms: jwtAlgorithms, types: ['', 'jwt'] };
const signed = (algorithm: JwtAlgorithm, more: Partial<JWTHeaderParameters> = {}): Promise<string> => new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: algorithm, kid: 'a', ...more }).sign(pairOf(algorithm).sign);

function outcome(token: string, look: FindKey = find, wanted: { readonly algorithms: readonly JwtAlgorithm[]; readonly types: readonly string[] } = demands): unknown {
  const read = readJwt(token);
  if (!read.ok) return read.error;
  const verified = verifyJwt(read.value, wanted, look);
  return verified.ok ? verified.value : verified.error;
}

describe('a token’s form', () => {
  it('is taken as jose writes it', async () => {
    const read = readJwt(await signed('ES256', { typ: 'application/AT+JWT' }));
    expect(read).toMatchObject({ ok: true, value: { algorithm: 'ES256', keyId: 'a', type: 'at+jwt', claims: { sub: 'ann' } } });
  });

  it.each([
    ['no parts', 'sk-key', 'not_compact'],
    ['two parts', 'e30.e30', 'not_compact'],
    ['five parts, as encrypted tokens have', `${encode(header)}.a.b.c.d`, 'not_compact'],
    ['an empty signature', `${encode(header)}.e30.`, 'not_compact'],
    ['padding', `${forge(header, {})}==`, 'not_base64url'],
    ['the letters of plain base64', forge(header, {}, 'a+/a'), 'not_base64url'],
    ['bits after the last byte', forge(header, {}, 'AB'), 'not_base64url'],
    ['a lone letter at the end', forge(header, {}, 'AAAAA'), 'not_base64url'],
    ['a line break', `${forge(header, {})}\n`, 'not_base64url'],
    ['a blank within', forge(header, {}, 'AA AA'), 'not_base64url'],
    ['a list for claims', forge(header, []), 'not_json'],
    ['a token within a token', forge(header, '"e30.e30.AAAA"'), 'not_json'],
    ['null for a header', forge('null', {}), 'not_json'],
    ['text after the claims', forge(header, '{}{}'), 'not_json'],
    ['a byte order mark', forge(header, '\ufeff{}'), 'not_json'],
    ['broken UTF-8', `${encode(header)}.${Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString('base64url')}.AAAA`, 'not_json'],
    ['claims nested without end', forge(header, `{"a":${'['.repeat(4_000)}${']'.repeat(4_000)}}`), 'not_json'],
    ['a claim that stands twice', forge(header, '{"sub":"a","sub":"b"}'), 'repeated_member'],
    ['the same under another spelling', forge(header, '{"sub":"a","\\u0073ub":"b"}'), 'repeated_member'],
    ['one within a claim', forge(header, '{"act":{"x":[{"y":1,"y":2}]}}'), 'repeated_member'],
    ['a header parameter that stands twice', forge('{"alg":"ES256","alg":"none"}', {}), 'repeated_member'],
    ['__proto__ twice', forge(header, '{"__proto__":1,"__proto__":{"sub":"b"}}'), 'repeated_member'],
    ['critical headers', forge({ ...header, crit: ['exp'], exp: 1 }, {}), 'critical_header'],
    ['none of them', forge({ ...header, crit: [] }, {}), 'critical_header'],
    ['an unencoded payload', forge({ ...header, b64: false }, {}), 'critical_header'],
    ['no algorithm', forge({}, {}), 'algorithm_not_allowed'],
    ['alg none', forge({ alg: 'none' }, {}), 'algorithm_not_allowed'],
    ['alg None', forge({ alg: 'NoNe' }, {}), 'algorithm_not_allowed'],
    ['HMAC', forge({ alg: 'HS256' }, {}), 'algorithm_not_allowed'],
    ['a list of algorithms', forge({ alg: ['ES256'] }, {}), 'algorithm_not_allowed'],
    ['a key id that is no text', forge({ ...header, kid: 1 }, {}), 'invalid_key_id'],
    ['a key id beyond measure', forge({ ...header, kid: 'k'.repeat(257) }, {}), 'invalid_key_id'],
    ['a type that is no text', forge({ ...header, typ: {} }, {}), 'type_not_allowed'],
    ['a huge header', forge({ ...header, x: 'x'.repeat(12_288) }, {}), 'too_long'],
  ])('is refused: %s', (_what, token, fault) => {
    expect(faultOf(token)).toBe(fault);
  });

  it('holds colons, braces and quotes in texts', () => {
    expect(readJwt(forge(header, '{"sub":"repo:octo/app:ref:\\"{[\\\\","a":[{"b":":"},{"b":1}],"":{}}')).ok).toBe(true);
  });

  it('does not let a member named __proto__ become one of all claims', () => {
    const read = readJwt(forge(header, '{"__proto__":{"sub":"admin"}}'));
    expect(read.ok && read.value.claims['sub']).toBeUndefined();
  });

  it('never throws, and reads no text that it would write in another way', () => {
    const part = fc.oneof(fc.base64String(), fc.string(), fc.json().map(encode), fc.constant(encode(header)));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const token = parts.join('.');
        const read = readJwt(token);
        if (!read.ok) return;
        const again = token.split('.').map((text) => Buffer.from(text, 'base64url').toString('base64url')).join('.');
        expect(again).toBe(token);
        expect(verifyJwt(read.value, demands, () => 'unknown').ok).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('tells JSON with a repeated member from JSON without', () => {
    const names = fc.constantFrom('a', 'b', 'sub', '__proto__', 'toString', ':{', '"');
    const { object } = fc.letrec<{ value: Built; object: Built; list: Built; plain: Built }>((tie) => ({
      value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, tie('plain'), tie('object'), tie('list')),
      plain: fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)).map((value) => ({ text: JSON.stringify(value), repeats: false })),
      list: fc.array(tie('value'), { maxLength: 3 }).map((items) => ({ text: `[${items.map(({ text }) => text).join(', ')}]`, repeats: items.some(({ repeats }) => repeats) })),
      object: fc.array(fc.tuple(names, tie('value')), { maxLength: 4 }).map((members) => ({
        text: `{${members.map(([name, { text }]) => `${JSON.stringify(name)} : ${text}`).join(',')}}`,
        repeats: new Set(members.map(([name]) => name)).size < members.length || members.some(([, { repeats }]) => repeats),
      })),
    }));
    fc.assert(
      fc.property(object, ({ text, repeats }) => {
        expect(faultOf(forge(header, text))).toBe(repeats ? 'repeated_member' : 'read');
      }),
      { numRuns: 2_000 },
    );
  });
});

interface Built {
  readonly text: string;
  readonly repeats: boolean;
}

describe('a token’s signature', () => {
  it.each(jwtAlgorithms)('is right as jose makes it: %s', async (algorithm) => {
    const token = await signed(algorithm);
    expect(outcome(token)).toEqual({ sub: 'ann' });
    const other = `${token.split('.', 2).join('.')}.${Buffer.from(token.split('.')[2]!, 'base64url').fill(7, 0, 1).toString('base64url')}`;
    expect(outcome(other)).toBe('wrong_signature');
  });

  it('is wrong for any change of a letter', async () => {
    const token = await signed('ES256');
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom('A', 'a', 'Z', 'z', '0', '9', '-', '_', '.'), (at, letter) => {
        if (token[at] === letter) return;
        const changed = `${token.slice(0, at)}${letter}${token.slice(at + 1)}`;
        expect(outcome(changed, () => pairOf('ES256').verify)).toBeTypeOf('string');
      }),
      { numRuns: 300 },
    );
  });

  it('is refused by HMAC with the public key for a secret', async () => {
    const spki = pairOf('RS256').verify.export({ type: 'spki', format: 'pem' });
    const input = `${encode({ alg: 'HS256', kid: 'a' })}.${encode({ sub: 'ann' })}`;
    expect(outcome(`${input}.${createHmac('sha256', spki).update(input).digest('base64url')}`)).toBe('algorithm_not_allowed');
  });

  it('is refused where the algorithm is not among those demanded, whatever the key', async () => {
    expect(outcome(await signed('ES256'), find, { ...demands, algorithms: ['RS256'] })).toBe('algorithm_not_allowed');
    expect(outcome(await signed('PS256'), () => pairOf('PS256').verify, { ...demands, algorithms: ['RS256'] })).toBe('algorithm_not_allowed');
  });

  it('is refused by a key of another kind, curve or size', async () => {
    expect(outcome(await signed('ES256'), () => pairOf('ES384').verify)).toBe('unknown_key');
    expect(outcome(await signed('ES256'), () => pairOf('RS256').verify)).toBe('unknown_key');
    expect(outcome(await signed('EdDSA'), () => pairOf('ES256').verify)).toBe('unknown_key');
    const small = generateKeyPairSync('rsa', { modulusLength: 1_024 });
    const input = `${encode({ alg: 'RS256' })}.${encode({})}`;
    expect(outcome(`${input}.${signBytes('sha256', Buffer.from(input), small.privateKey).toString('base64url')}`, () => small.publicKey)).toBe('unknown_key');
  });

  it('is refused in DER, which JOSE does not write', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const input = `${encode(header)}.${encode({})}`;
    expect(outcome(`${input}.${signBytes('sha256', Buffer.from(input), privateKey).toString('base64url')}`, () => publicKey)).toBe('wrong_signature');
    expect(outcome(`${input}.${Buffer.alloc(64).toString('base64url')}`, () => publicKey)).toBe('wrong_signature');
  });

  it('is never checked with a key that the token brings', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const { d: _d, ...jwk } = await exportJWK(privateKey);
    const token = await new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'ES256', kid: 'a', jwk, jku: 'http://127.0.0.1:1/keys', x5u: 'http://127.0.0.1:1/cert' }).sign(privateKey);
    expect(outcome(token)).toBe('wrong_signature');
  });

  it('is not asked for where type or key do not fit', async () => {
    expect(outcome(await signed('ES256', { typ: 'dpop+jwt' }))).toBe('type_not_allowed');
    expect(outcome(await signed('ES256'), () => 'unknown')).toBe('unknown_key');
    expect(outcome(await signed('ES256'), () => 'unavailable')).toBe('keys_unavailable');
  });
});

describe('the length of a credential', () => {
  const seen: string[] = [];
  const source: CredentialSource = { name: 'seeing', verify: (value) => (seen.push(value), { kind: 'invalid', code: 'invalid_api_key' }) };

  it('may be 12,288 for what has the form of a token, and 4,096 for all else', () => {
    const token = forge(header, { x: 'x'.repeat(8_000) });
    for (const value of [token, 'k'.repeat(4_097), `${'a.b.'.repeat(1_024)}c`, `${token}é`, `a.b.${'c'.repeat(12_285)}`]) verifyClientKey([source], value);
    expect(seen).toEqual([token]);
  });
});
