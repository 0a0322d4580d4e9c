import type { CustomFetch } from 'openid-client';
import { systemClock } from '../../clock/clock.ts';
import { createDispatchers } from '../../egress/dispatchers.ts';
import { parseRecord, type JsonRecord } from '../../upstreamauth/json-record.ts';
import { createOAuthHttp, type OAuthHttp, type VendorAnswer } from '../../upstreamauth/oauth-http.ts';
import { oauthErrorOf } from '../../upstreamauth/sloppy-answers.ts';
import { vendorCode, vendorText } from '../../upstreamauth/vendor-text.ts';
import type { CliProcess } from '../process-env.ts';

/** The way to the server, by the environment's proxies; closed at the end of a command. */
export interface ServerHttp {
  readonly http: OAuthHttp;
  readonly close: () => Promise<void>;
}

export function openServerHttp({ env, version }: Pick<CliProcess, 'env' | 'version'>): ServerHttp {
  const dispatchers = createDispatchers({
    environment: { httpProxy: env['HTTP_PROXY'] ?? env['http_proxy'], httpsProxy: env['HTTPS_PROXY'] ?? env['https_proxy'], noProxy: env['NO_PROXY'] ?? env['no_proxy'] },
    connectTimeoutMs: () => 10_000,
  });
  return { http: createOAuthHttp({ clock: systemClock, dispatchers, userAgent: `keyward/${version}`, requestTimeoutMs: 20_000 }), close: dispatchers.close };
}

/** The requests of one command to a server, and what its last one came to. */
export interface ServerRequests {
  readonly fetch: CustomFetch;
  readonly lastAnswer: () => VendorAnswer | undefined;
}

/** Headers that the client library decides on. */
const passedOn = ['content-type', 'dpop-nonce', 'www-authenticate', 'retry-after'] as const;

export function createServerRequests(http: OAuthHttp, signal: AbortSignal | undefined): ServerRequests {
  let last: VendorAnswer | undefined;
  return {
    fetch: async (url, { headers, method, body, signal: ownSignal }) => {
      const signals = [signal, ownSignal].filter((each) => each !== undefined);
      last = await http.send({
        url,
        allowsPlainHttp: false,
        method: method === 'GET' || method === 'DELETE' ? method : 'POST',
        headers: { ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])), ...(body instanceof URLSearchParams ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) },
        body: body instanceof URLSearchParams ? body.toString() : typeof body === 'string' ? body : undefined,
        proxyUrl: '',
        signal: signals.length === 0 ? undefined : AbortSignal.any(signals),
      });
      if (last.kind === 'failed') throw new TypeError(`the server was not reached (${last.code})`);
      const { status, body: text, headers: given } = last;
      const isEmpty = status === 204 || status === 205 || status === 304;
      const kept = passedOn.flatMap((name) => {
        const value = given[name];
        return typeof value === 'string' ? [[name, value] as const] : [];
      });
      return new Response(isEmpty ? null : text, { status: status < 200 || status > 599 ? 599 : status, headers: Object.fromEntries(kept) });
    },
    lastAnswer: () => last,
  };
}

/** Why a request came to nothing. */
export type ServerFailure =
  | { readonly kind: 'unreachable'; readonly wasSent: boolean; readonly detail: string }
  /** `error`: an OAuth code, or Keyward's own; `''` where the answer names none. Both texts are safe to show. */
  | { readonly kind: 'refused'; readonly status: number; readonly error: string; readonly description: string }
  /** The answer was taken apart and is not what it must be. */
  | { readonly kind: 'odd'; readonly detail: string };

/** What the last request came to, given that the library threw. */
export function failureOf(answer: VendorAnswer | undefined, thrown: unknown): ServerFailure {
  if (answer === undefined) return { kind: 'odd', detail: detailOf(thrown) };
  if (answer.kind === 'failed') return { kind: 'unreachable', wasSent: answer.wasSent, detail: reasonOf(answer.code) };
  if (answer.status >= 200 && answer.status < 300) return { kind: 'odd', detail: detailOf(thrown) };
  const error = errorOf(parseRecord(answer.body)) ?? errorOfChallenge(answer.headers['www-authenticate']);
  return { kind: 'refused', status: answer.status, error: vendorCode(error?.code ?? ''), description: vendorText(error?.description ?? '', []) };
}

function errorOf(record: JsonRecord | undefined): { readonly code: string; readonly description: string | undefined } | undefined {
  return record === undefined ? undefined : oauthErrorOf(record);
}

/** RFC 6750 §3: an answer without a body still says why. */
function errorOfChallenge(challenge: unknown): { readonly code: string; readonly description: string | undefined } | undefined {
  if (typeof challenge !== 'string') return undefined;
  const code = /\berror="([^"]+)"/.exec(challenge)?.[1];
  return code === undefined ? undefined : { code, description: /\berror_description="([^"]+)"/.exec(challenge)?.[1] };
}

function detailOf(thrown: unknown): string {
  return thrown instanceof Error ? vendorText(thrown.message, []) : 'unknown';
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its name cannot be looked up now',
  KEYWARD_TIMEOUT: 'it did not answer in time',
  KEYWARD_ABORTED: 'broken off',
  KEYWARD_TOO_LARGE: 'its answer is too large',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; name its CA in NODE_EXTRA_CA_CERTS',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not from a known CA; name it in NODE_EXTRA_CA_CERTS',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not from a known CA; name it in NODE_EXTRA_CA_CERTS',
  CERT_HAS_EXPIRED: 'its certificate has expired',
};

function reasonOf(code: string): string {
  return reasons[code] ?? code;
}
