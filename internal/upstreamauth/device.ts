import type { DeviceAuthorizationResponse } from 'openid-client';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import { err, ok, type Result } from '../fault/result.ts';
import type { LoginProfile } from '../providers/login-profile.ts';
import { scopeOf, type OAuthClient, type OAuthExchange } from './oauth-client.ts';
import { parseRecord } from './json-record.ts';
import { oauthErrorOf } from './sloppy-answers.ts';
import { requestTokens, type TokenRequestEnd } from './token-request.ts';
import { vendorCode, vendorText } from './vendor-text.ts';
import { bindsDeviceCode } from './vendors/departures.ts';

/** What a person needs to grant a login from another device. */
export interface DeviceStart {
  /** To open in a browser; with the code filled in where the vendor offers that. */
  readonly url: string;
  readonly userCode: string;
  readonly lifeMs: number;
}

export interface DeviceGrant extends DeviceStart {
  /** Asks until the person has decided or `signal` aborts. Never rejects. */
  readonly poll: (signal: AbortSignal) => Promise<TokenRequestEnd>;
}

/** Vendors may say more; nobody waits longer for one login. */
export const longestDeviceLifeMs = 30 * 60_000;

/** Asks for a device and user code. RFC 8628 §3.1. Error: `login_failed`. */
export async function startDevice(oauth: OAuthClient, clock: Clock, profile: LoginProfile, proxyUrl: string, exchange: OAuthExchange): Promise<Result<DeviceGrant, AppError>> {
  const { openid, configuration } = exchange;
  const codeVerifier = bindsDeviceCode(profile) ? openid.randomPKCECodeVerifier() : undefined;
  const parameters: Record<string, string> = {};
  const scope = scopeOf(profile, exchange.endpoints);
  if (scope !== undefined) parameters['scope'] = scope;
  if (codeVerifier !== undefined) {
    parameters['code_challenge'] = await openid.calculatePKCECodeChallenge(codeVerifier);
    parameters['code_challenge_method'] = 'S256';
  }
  let granted: DeviceAuthorizationResponse;
  try {
    granted = await openid.initiateDeviceAuthorization(configuration, parameters);
  } catch {
    return err(new AppError('login_failed', { message: `${profile.title} did not start a device login: ${describeLast(exchange)}.` }));
  }
  const url = granted.verification_uri_complete ?? granted.verification_uri;
  if (!/^https?:\/\//i.test(url) || URL.parse(url) === null) return err(new AppError('login_failed', { message: `${profile.title} named no page to open.` }));
  const lifeMs = Math.min(granted.expires_in * 1_000, longestDeviceLifeMs);
  return ok({ url, userCode: granted.user_code, lifeMs, poll: (signal) => poll({ oauth, clock, profile, proxyUrl, granted, codeVerifier }, signal) });
}

interface Polling {
  readonly oauth: OAuthClient;
  readonly clock: Clock;
  readonly profile: LoginProfile;
  readonly proxyUrl: string;
  readonly granted: DeviceAuthorizationResponse;
  readonly codeVerifier: string | undefined;
}

async function poll({ oauth, clock, profile, proxyUrl, granted, codeVerifier }: Polling, signal: AbortSignal): Promise<TokenRequestEnd> {
  let intervalSeconds = granted.interval ?? 5;
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  });
  aborted.catch(() => undefined);
  for (;;) {
    let slowDowns = 0;
    const end = await requestTokens(oauth, clock, {
      profile,
      client: profile.registration,
      proxyUrl,
      signal,
      secrets: [granted.device_code, granted.user_code, codeVerifier, profile.registration.clientSecret],
      checksIdToken: true,
      ask: async (exchange) => {
        const { openid, configuration } = exchange;
        const parameters = { ...profile.tokenParameters, ...(codeVerifier === undefined ? {} : { code_verifier: codeVerifier }) };
        try {
          // The library looks at its signal only every five seconds.
          return await Promise.race([openid.pollDeviceAuthorizationGrant(configuration, { ...granted, interval: intervalSeconds }, parameters, { signal }), aborted]);
        } finally {
          slowDowns = exchange.slowDowns();
        }
      },
    });
    const isPassing = end.kind === 'failed' && !signal.aborted;
    if (!isPassing) return end;
    // RFC 8628 §3.5: what slow_down added stays, and a request that was not answered doubles the pause.
    intervalSeconds = Math.min((intervalSeconds + 5 * slowDowns) * 2, 60);
  }
}

function describeLast(exchange: OAuthExchange): string {
  const answer = exchange.lastAnswer();
  if (answer === undefined) return 'its metadata names no device authorization endpoint';
  if (answer.kind === 'failed') return `it was not reached (${answer.code})`;
  const record = parseRecord(answer.body);
  const error = record === undefined ? undefined : oauthErrorOf(record);
  if (error === undefined) return `it answered HTTP ${answer.status}`;
  return `it answered ${vendorCode(error.code)}${error.description === undefined ? '' : ` (${vendorText(error.description, [])})`}`;
}
