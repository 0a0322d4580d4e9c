import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';
import { createTrustedIssuers, type TrustedIssuers } from '../../internal/authserver/workloads/trusted-issuers.ts';
import { createWorkloadSource, type WorkloadSource } from '../../internal/authserver/workloads/workload-source.ts';
import type { Config } from '../../internal/config/schema.ts';
import type { OAuthHttp, VendorAnswer } from '../../internal/upstreamauth/oauth-http.ts';
import { configOf } from './config.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';

/** A platform that vouches for its workloads: keys, and tokens signed by jose. */
export interface Platform {
  readonly issuer: string;
  /** The public keys, as its key set lists them. */
  readonly keys: JWK[];
  /** Makes a further key; the newest signs unless a `kid` says otherwise. */
  readonly addKey: (kid: string, algorithm?: string) => Promise<void>;
  /** `iat` is now, `exp` in five minutes and `aud` the world's, unless told; undefined members are left out. */
  readonly sign: (claims: Record<string, unknown>, header?: Record<string, unknown>) => Promise<string>;
}

export const audience = 'https://keyward.example.com';

export async function createPlatform(issuer: string, nowMs: () => number, algorithm = 'ES256'): Promise<Platform> {
  const keys: JWK[] = [];
  const secrets = new Map<string, { readonly key: CryptoKey; readonly algorithm: string }>();
  let newest = '';
  const addKey = async (kid: string, of = algorithm): Promise<void> => {
    const { privateKey, publicKey } = await generateKeyPair(of, { extractable: true });
    keys.push({ ...(await exportJWK(publicKey)), kid, alg: of, use: 'sig' });
    secrets.set(kid, { key: privateKey, algorithm: of });
    newest = kid;
  };
  await addKey('first');
  return {
    issuer,
    keys,
    addKey,
    sign: (claims, header = {}) => {
      const kid = typeof header['signWith'] === 'string' ? header['signWith'] : newest;
      const secret = secrets.get(kid);
      if (secret === undefined) throw new Error(`no key ${kid}`);
      const { signWith: _signWith, ...more } = header;
      const now = Math.floor(nowMs() / 1_000);
      const payload: JWTPayload = JSON.parse(JSON.stringify({ iss: issuer, aud: audience, iat: now, exp: now + 300, ...claims }));
      return new SignJWT(payload).setProtectedHeader({ alg: secret.algorithm, kid, typ: 'JWT', ...more }).sign(secret.key);
    },
  };
}

/** Answers by address; what is not there is 404, and `failing` addresses break off. */
export interface Addresses {
  readonly http: Pick<OAuthHttp, 'send'>;
  readonly asked: string[];
  readonly answers: Map<string, () => string>;
  readonly failing: Set<string>;
}

export function createAddresses(): Addresses {
  const asked: string[] = [];
  const answers = new Map<string, () => string>();
  const failing = new Set<string>();
  const answer = (url: string): VendorAnswer => {
    if (failing.has(url)) return { kind: 'failed', wasSent: true, code: 'ECONNRESET' };
    const body = answers.get(url);
    return body === undefined ? { kind: 'answered', status: 404, headers: {}, body: 'not here' } : { kind: 'answered', status: 200, headers: { 'content-type': 'text/plain' }, body: body() };
  };
  return {
    asked,
    answers,
    failing,
    http: {
      send: ({ url }) => {
        asked.push(url);
        return Promise.resolve(answer(url));
      },
    },
  };
}

/** Puts a platform's metadata and key set at the addresses that OpenID Connect has for them. */
export function publish({ answers }: Addresses, { issuer, keys }: Pick<Platform, 'issuer' | 'keys'>): void {
  answers.set(`${issuer}/.well-known/openid-configuration`, () => JSON.stringify({ issuer, jwks_uri: `${issuer}/jwks` }));
  answers.set(`${issuer}/jwks`, () => JSON.stringify({ keys }));
}

export interface WorkloadWorld {
  readonly clock: ManualClock;
  readonly addresses: Addresses;
  readonly issuers: TrustedIssuers;
  readonly source: WorkloadSource;
  readonly refused: string[];
  readonly problems: string[];
  /** Takes `identity` of the config and waits until keys are there. */
  readonly configure: (identity: object) => Promise<boolean>;
  /** Adds a platform at its addresses. */
  readonly found: (issuer: string, algorithm?: string) => Promise<Platform>;
}

export const ownIssuer = 'https://keyward.example.com/oauth';

/** The source of workloads' tokens with platforms that answer from memory, under a clock that stands still. */
export function createWorkloadWorld(): WorkloadWorld {
  const clock = createManualClock();
  const addresses = createAddresses();
  const refused: string[] = [];
  const problems: string[] = [];
  const issuers = createTrustedIssuers({ http: addresses.http, proxyUrl: () => '', clock, onProblem: (issuer, problem) => problems.push(`${issuer}: ${problem ?? 'well'}`) });
  const source = createWorkloadSource({ issuers, clock, onRefused: ({ fault }) => refused.push(fault) });
  return {
    clock,
    addresses,
    issuers,
    source,
    refused,
    problems,
    configure: async (identity) => {
      const config: Config = configOf({ identity });
      const isChanged = source.apply(config, ownIssuer);
      await Promise.all(config.identity['trusted-issuers'].map(({ issuer }) => issuers.settled(issuer)));
      return isChanged;
    },
    found: async (issuer, algorithm) => {
      const platform = await createPlatform(issuer, clock.nowMs, algorithm);
      publish(addresses, platform);
      return platform;
    },
  };
}

/** Claims as GitHub Actions has them, all of them texts. */
export const githubClaims = {
  sub: 'repo:octo/app:ref:refs/heads/main',
  repository: 'octo/app',
  repository_id: '74',
  repository_owner: 'octo',
  repository_owner_id: '65',
  ref: 'refs/heads/main',
  ref_protected: 'true',
  job_workflow_ref: 'octo/app/.github/workflows/ci.yml@refs/heads/main',
  jti: 'a0000000-0000-0000-0000-000000000001',
};

/** Claims as Kubernetes puts them into projected tokens: `aud` is a list, the type is left out. */
export const kubernetesClaims = {
  sub: 'system:serviceaccount:ci:builder',
  aud: [audience],
  'kubernetes.io': { namespace: 'ci', pod: { name: 'builder-0', uid: '1' }, serviceaccount: { name: 'builder', uid: '2' } },
};
