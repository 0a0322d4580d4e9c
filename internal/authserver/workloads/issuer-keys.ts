import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../clock/clock.ts';
import { judgeEndpointUrl } from '../../config/upstream-url.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { parseRecord, textOf, type JsonRecord } from '../../upstreamauth/json-record.ts';
import type { OAuthHttp } from '../../upstreamauth/oauth-http.ts';
import { findInKeySet, readKeySet, type IssuerKey } from './key-set.ts';
import type { JwtAlgorithm } from '../../clients/jwt/read-jwt.ts';

/** The public keys of one issuer, fetched ahead of need so that they can be asked for synchronously. */
export interface IssuerKeys {
  /** `unknown`: the issuer was asked and has no such key. `unavailable`: it is being asked, or cannot be. */
  readonly find: (keyId: string | undefined, algorithm: JwtAlgorithm) => KeyObject | 'unknown' | 'unavailable';
  /** Changes with the keys; what was verified under another one has to be verified again. */
  readonly revision: () => number;
  /** Resolves when no fetch is under way; never rejects. */
  readonly settled: () => Promise<void>;
  readonly state: () => IssuerKeysState;
  readonly close: () => void;
}

export interface IssuerKeysState {
  readonly keys: number;
  /** Undefined: never. */
  readonly fetchedAtMs: number | undefined;
  /** Of the last fetch; undefined when it went well, or none has ended. */
  readonly problem: string | undefined;
}

export interface IssuerKeysDeps {
  readonly issuer: string;
  /** `''`: the issuer's metadata says. */
  readonly jwksUrl: string;
  readonly http: Pick<OAuthHttp, 'send'>;
  /** As `Dispatchers.find` takes it. */
  readonly proxyUrl: () => string;
  readonly clock: Clock;
  /** Called when fetching begins to fail, and when it goes well again: with undefined. */
  readonly onProblem: (problem: string | undefined) => void;
}

const refreshEveryMs = 15 * 60_000;
/** Between two fetches, whatever strangers put into `kid`. */
const minPauseMs = 60_000;
/** How long keys count of an issuer that is away. */
const keptMs = 24 * 60 * 60_000;
const requestTimeoutMs = 10_000;

/** Begins to fetch at once. Close it when the issuer is no longer trusted. */
export function openIssuerKeys(deps: IssuerKeysDeps): IssuerKeys {
  const { clock } = deps;
  const life = new AbortController();
  let keys: readonly IssuerKey[] = [];
  let print = '';
  let revision = 0;
  let fetchedAtMs: number | undefined;
  let triedAtMs = -Infinity;
  let problem: string | undefined;
  let underWay: Promise<void> | undefined;

  const take = (fetched: Result<readonly IssuerKey[], string>): void => {
    if (life.signal.aborted) return;
    const was = problem;
    problem = fetched.ok ? undefined : fetched.error;
    if (was !== problem) deps.onProblem(problem);
    if (!fetched.ok) return;
    fetchedAtMs = clock.nowMs();
    const printed = printOf(fetched.value);
    if (printed === print) return;
    print = printed;
    keys = fetched.value;
    revision += 1;
  };
  const refresh = (): void => {
    if (underWay !== undefined || life.signal.aborted) return;
    triedAtMs = clock.nowMs();
    underWay = fetchIssuerKeys({ ...deps, signal: life.signal })
      .then(take)
      .finally(() => {
        underWay = undefined;
      });
  };
  const isDue = (pauseMs: number): boolean => Math.abs(clock.nowMs() - triedAtMs) >= pauseMs;
  const stop = clock.every(minPauseMs, () => {
    if (isDue(problem === undefined ? refreshEveryMs : minPauseMs)) refresh();
  });
  refresh();

  return {
    find: (keyId, algorithm) => {
      const isKept = fetchedAtMs !== undefined && clock.nowMs() - fetchedAtMs < keptMs;
      const key = isKept ? findInKeySet(keys, keyId, algorithm) : undefined;
      if (key !== undefined) return key;
      if (isDue(minPauseMs)) refresh();
      // Only an issuer that answered since has said that there is no such key.
      return underWay !== undefined || problem !== undefined || !isKept ? 'unavailable' : 'unknown';
    },
    revision: () => revision,
    settled: () => underWay ?? Promise.resolve(),
    state: () => ({ keys: keys.length, fetchedAtMs, problem }),
    close: () => {
      life.abort(new Error('the issuer is not trusted any more'));
      stop();
    },
  };
}

function printOf(keys: readonly IssuerKey[]): string {
  return JSON.stringify(keys.map(({ keyId, algorithm, key }) => [keyId, algorithm, key.export({ format: 'jwk' })]));
}

export type KeyFetch = Pick<IssuerKeysDeps, 'issuer' | 'jwksUrl' | 'http' | 'proxyUrl'> & { readonly signal: AbortSignal };

/** Asks an issuer for its keys, once. Error: what is wrong, one clause without secrets. Never rejects. */
export async function fetchIssuerKeys(fetch: KeyFetch): Promise<Result<readonly IssuerKey[], string>> {
  const place = fetch.jwksUrl === '' ? await findKeySet(fetch) : ok(fetch.jwksUrl);
  if (!place.ok) return place;
  const answer = await get(fetch, place.value, 'the key set');
  return answer.ok ? readKeySet(answer.value) : answer;
}

/**
 * OpenID Connect Discovery §4 first, then RFC 8414 §3.1. What they hold counts only where they name this issuer, letter by
 * letter. Where neither will do, the first says what is wrong.
 */
async function findKeySet(fetch: KeyFetch): Promise<Result<string, string>> {
  let refusal: Result<never, string> | undefined;
  for (const url of metadataUrls(fetch.issuer)) {
    const answer = await get(fetch, url, 'the metadata of the issuer');
    const place = answer.ok ? keyPlaceOf(parseRecord(answer.value), fetch.issuer) : answer;
    if (place.ok) return place;
    refusal ??= place;
  }
  return refusal ?? err('the issuer has no metadata');
}

function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [`${origin}${path}/.well-known/openid-configuration`, `${origin}/.well-known/oauth-authorization-server${path}`];
}

function keyPlaceOf(metadata: JsonRecord | undefined, issuer: string): Result<string, string> {
  if (metadata === undefined) return err('the metadata of the issuer is not a JSON object');
  if (metadata['issuer'] !== issuer) return err('the metadata of the issuer names another issuer');
  const place = textOf(metadata, 'jwks_uri');
  if (place === undefined) return err('the metadata of the issuer names no jwks_uri; set `jwks-url`');
  // Else whoever writes another issuer's metadata could have this machine's own services asked.
  const isLocal = (url: string): boolean => judgeEndpointUrl(url.replace(/^https:/i, 'http:'), { allowsHttp: false, mayHaveQuery: true }).kind === 'fine';
  return isLocal(place) && !isLocal(issuer) ? err('the metadata of the issuer names keys on this machine') : ok(place);
}

async function get({ http, proxyUrl, signal }: KeyFetch, url: string, what: string): Promise<Result<string, string>> {
  // https, or http on this machine: whoever could change the answer could come in as anybody.
  if (judgeEndpointUrl(url, { allowsHttp: false, mayHaveQuery: true }).kind !== 'fine') return err(`${what} is at an address that is not asked; it must be https, or http on this machine`);
  const answer = await http.send({ url, allowsPlainHttp: false, method: 'GET', headers: { accept: 'application/json, application/jwk-set+json' }, body: undefined, proxyUrl: proxyUrl(), signal, timeoutMs: requestTimeoutMs });
  if (answer.kind === 'failed') return err(`${what} cannot be read (${answer.code})`);
  return answer.status === 200 ? ok(answer.body) : err(`${what} cannot be read (status ${answer.status})`);
}
