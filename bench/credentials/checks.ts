import { createHash, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import { join } from 'node:path';
import { makeKeyText } from '../../internal/clients/managed-keys/key-text.ts';
import { createManagedKeySource } from '../../internal/clients/managed-keys/source.ts';
import type { IdentityStore } from '../../internal/clients/issued/store.ts';
import { createIssuedTokenSource } from '../../internal/clients/issued/token-source.ts';
import type { Verdict } from '../../internal/clients/verify.ts';
import { systemClock } from '../../internal/clock/clock.ts';
import { createProofCheck } from '../../internal/http/dpop-proof.ts';
import { sha256Hex } from '../../internal/secret/digest.ts';
import { createSealer } from '../../internal/storage/sealer.ts';
import { openSqliteStores } from '../../internal/storage/sqlite/stores.ts';
import { quantile } from '../quantile.ts';
import { managedKey } from './managed-key.ts';

/** One check, in microseconds. */
export interface CheckTimes {
  readonly title: string;
  readonly p50Us: number;
  readonly p99Us: number;
}

export interface KeyCheckTimes {
  readonly keys: number;
  readonly seen: CheckTimes;
  readonly first: CheckTimes;
  /** What the open store and its source hold after all checks, beyond the process before it. */
  readonly residentKb: number;
}

const batch = 5_000;

/** Checks of managed keys with so many of them in the store. */
export function measureKeys(folder: string, count: number): KeyCheckTimes {
  const file = join(folder, `keys-${count}.db`);
  const asked = fill(file, count);
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const stores = openSqliteStores({ file, clock: systemClock });
  const source = createManagedKeySource({ store: stores.managedKeys, clock: systemClock });
  const first = timed('managed key, first sight', asked, (text) => source.verify(text, '127.0.0.1'));
  const [one = ''] = asked;
  const seen = timed('managed key seen before', repeat(one), (text) => source.verify(text, '127.0.0.1'));
  const residentKb = (process.memoryUsage.rss() - before) / 1_024;
  stores.close();
  return { keys: count, seen, first, residentKb };
}

/** Fills a store and gives texts out of it that nobody has presented yet. */
function fill(file: string, count: number): readonly string[] {
  const stores = openSqliteStores({ file, clock: systemClock });
  const asked: string[] = [];
  const every = Math.max(1, Math.floor(count / 2_000));
  for (let made = 0; made < count; made += batch) {
    const texts = Array.from({ length: Math.min(batch, count - made) }, () => makeKeyText('live'));
    stores.managedKeys.insert(texts.map((text) => managedKey(sha256Hex(text), { models: ['gpt-*'], requestsPerMinute: 60 }, false)));
    asked.push(...texts.filter((_, index) => (made + index) % every === 0));
  }
  stores.close();
  return asked;
}

/** Checks of access tokens and of proofs, with a store of their own. */
export function measureTokens(folder: string): readonly CheckTimes[] {
  const stores = openSqliteStores({ file: join(folder, 'tokens.db'), clock: systemClock });
  const [issuer, audience] = ['http://localhost:8317/oauth', 'http://localhost:8317'];
  const identity = stores.identity(createSealer(randomBytes(32)));
  const signer = makeSigner(identity);
  const client = identity.insertClient({ id: 'client_bench', revision: 0, name: 'bench', organization: '', authentication: 'client_secret_basic', grants: ['client_credentials'], grant: {}, redirectUris: [], jwks: [], createdAtMs: Date.now(), createdBy: 'root', minterId: '', revokedAtMs: undefined, revokedBy: '', secrets: [] });
  const source = createIssuedTokenSource({ store: identity, clock: systemClock, issuer, audience, builtInClients: new Set(), workloadOf: () => undefined, minterRights: () => undefined, keptMs: () => 3_600_000 });
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const tokens = Array.from({ length: 2_000 }, () => signer.sign('at+jwt', { iss: issuer, aud: audience, sub: client.id, client_id: client.id, jti: randomUUID(), iat: nowSeconds, exp: nowSeconds + 3_600, scope: 'models:use models:read' }));
  const first = timed('access token, first sight', tokens, (text) => source.verify(text, '127.0.0.1'));
  const [token = ''] = tokens;
  const seen = timed('access token seen before', repeat(token), (text) => source.verify(text, '127.0.0.1'));

  const check = createProofCheck({ clock: systemClock, publicUrl: audience });
  const ath = createHash('sha256').update(token).digest('base64url');
  const { thumbprint } = signer;
  const proofs = Array.from({ length: 2_000 }, () => signer.sign('dpop+jwt', { htm: 'POST', htu: `${audience}/v1/responses`, jti: randomUUID(), iat: nowSeconds, ath }, true));
  const proven = timed('proof of a bound token, each request', proofs, (proof) => {
    const why = check({ proof, method: 'POST', path: '/v1/responses', accessToken: token, thumbprint });
    return why === undefined ? { kind: 'valid', principal: { id: '', kind: 'machine', label: '' } } : { kind: 'unknown', cause: why };
  });
  stores.close();
  return [seen, first, proven];
}

interface Signer {
  readonly thumbprint: string;
  readonly sign: (typ: string, claims: object, showsKey?: boolean) => string;
}

function makeSigner(identity: IdentityStore): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' });
  identity.insertSigningKey({ kid: 'bench', jwk: { ...privateKey.export({ format: 'jwk' }) }, createdAtMs: Date.now(), retiredAtMs: undefined }, true);
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  return {
    thumbprint: createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url'),
    sign: (typ, claims, showsKey = false) => {
      const input = `${encode({ alg: 'ES256', typ, ...(showsKey ? { jwk: { crv, kty, x, y } } : { kid: 'bench' }) })}.${encode(claims)}`;
      return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
    },
  };
}

function repeat(text: string): readonly string[] {
  return Array.from({ length: 100_000 }, () => text);
}

/** Throws when a check does not say yes: then it was not what was meant to be measured. */
function timed(title: string, texts: readonly string[], check: (text: string) => Verdict): CheckTimes {
  const times: number[] = [];
  for (const text of texts) {
    const start = process.hrtime.bigint();
    const { kind } = check(text);
    times.push(Number(process.hrtime.bigint() - start) / 1_000);
    if (kind !== 'valid') throw new Error(`${title}: a check came to ${kind}`);
  }
  times.sort((a, b) => a - b);
  return { title, p50Us: quantile(times, 0.5), p99Us: quantile(times, 0.99) };
}
