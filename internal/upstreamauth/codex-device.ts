import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import { err, ok, type Result } from '../fault/result.ts';
import type { LoginProfile } from '../providers/login-profile.ts';
import { exchangeCode } from './code-grant.ts';
import type { DeviceGrant } from './device.ts';
import { parseRecord, textOf, type JsonRecord } from './json-record.ts';
import type { OAuthClient } from './oauth-client.ts';
import type { OAuthHttp, VendorAnswer } from './oauth-http.ts';
import { secondsOf } from './sloppy-answers.ts';
import type { TokenRequestEnd } from './token-request.ts';

/*
 * OpenAI's device login departs from RFC 8628: JSON instead of forms, `device_auth_id` and `user_code` together instead of
 * a device code, 403 and 404 for "not yet", and at its end an authorization code with the verifier to redeem it by.
 */

/** OpenAI names no lifetime; its own client gives up after a quarter of an hour. */
const lifeMs = 15 * 60_000;

export interface CodexDeviceDeps {
  readonly http: OAuthHttp;
  readonly oauth: OAuthClient;
  readonly clock: Clock;
}

/** Asks for a user code. Error: `login_failed`. */
export async function startCodexDevice(deps: CodexDeviceDeps, profile: LoginProfile, proxyUrl: string): Promise<Result<DeviceGrant, AppError>> {
  const usercodeUrl = URL.parse(profile.endpoints.deviceAuthorization);
  if (usercodeUrl === null) return fail('it has no `device-authorization-url`');
  const answer = await post(deps.http, profile, usercodeUrl.href, { client_id: profile.registration.clientId }, proxyUrl, undefined);
  if (answer.kind === 'failed') return fail(`it was not reached (${answer.code})`);
  if (answer.status === 404) return fail('device logins are not switched on for this account or client; allow them in the security settings of ChatGPT, or log in by redirect');
  const record = parseRecord(answer.body);
  const deviceAuthId = textOf(record, 'device_auth_id');
  const userCode = textOf(record, 'user_code') ?? textOf(record, 'usercode');
  if (answer.status !== 200 || deviceAuthId === undefined || userCode === undefined) return fail(`it answered HTTP ${answer.status}`);
  const grant: Polling = { profile, proxyUrl, origin: usercodeUrl.origin, tokenUrl: new URL('token', usercodeUrl).href, deviceAuthId, userCode, intervalMs: Math.min(Math.max(secondsOf(record?.['interval']) ?? 5, 1), 60) * 1_000 };
  return ok({ url: `${usercodeUrl.origin}/codex/device`, userCode, lifeMs, poll: (signal) => poll(deps, grant, signal) });
}

function fail(reason: string): Result<never, AppError> {
  return err(new AppError('login_failed', { message: `ChatGPT did not start a device login: ${reason}.` }));
}

interface Polling {
  readonly profile: LoginProfile;
  readonly proxyUrl: string;
  readonly origin: string;
  readonly tokenUrl: string;
  readonly deviceAuthId: string;
  readonly userCode: string;
  readonly intervalMs: number;
}

async function poll(deps: CodexDeviceDeps, polling: Polling, signal: AbortSignal): Promise<TokenRequestEnd> {
  const { profile, proxyUrl, origin, tokenUrl, deviceAuthId, userCode, intervalMs } = polling;
  for (;;) {
    try {
      await deps.clock.sleep(intervalMs, signal);
    } catch {
      return { kind: 'failed', wasSent: true, detail: 'the login has ended', retryAfterMs: undefined };
    }
    const answer = await post(deps.http, profile, tokenUrl, { device_auth_id: deviceAuthId, user_code: userCode }, proxyUrl, signal);
    // Not yet, or not reached: both pass.
    if (answer.kind === 'failed' || answer.status === 403 || answer.status === 404 || answer.status === 429 || answer.status >= 500) continue;
    const record = parseRecord(answer.body);
    const code = textOf(record, 'authorization_code');
    const codeVerifier = textOf(record, 'code_verifier');
    if (answer.status !== 200 || code === undefined || codeVerifier === undefined) return { kind: 'refused', error: `http_${answer.status}`, detail: `the vendor answered HTTP ${answer.status}`, retryAfterMs: undefined };
    return exchangeCode(deps.oauth, deps.clock, { profile, proxyUrl, redirectUri: `${origin}/deviceauth/callback`, code, state: '', codeVerifier, signal });
  }
}

function post(http: OAuthHttp, { allowsPlainHttp }: LoginProfile, url: string, json: JsonRecord, proxyUrl: string, signal: AbortSignal | undefined): Promise<VendorAnswer> {
  return http.send({ url, allowsPlainHttp, method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(json), proxyUrl, signal });
}
