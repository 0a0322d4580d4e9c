import type { DPoPHandle } from 'openid-client';
import { systemClock } from '../../clock/clock.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import type { Output } from '../daemon-port.ts';
import { printable } from '../table.ts';
import { sessionOf } from './granted.ts';
import { openLoopback, type Loopback } from './loopback.ts';
import { loginPage } from './login-page.ts';
import { describeFailure, describeUnreachable, makeDpopKey, proofBy, type OAuthServer } from './oauth-server.ts';
import type { ServerFailure } from './server-http.ts';
import type { Session } from './session.ts';

export interface LogInOptions {
  readonly server: string;
  /** As sent; `openid` is part of it. */
  readonly scope: string;
  readonly progress: Output;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Opens the address in a browser; false where nothing did. */
  readonly openBrowser: (address: string) => Promise<boolean>;
  /** Said after the address, where a browser here is unlikely. */
  readonly hint: string;
}

const cancelled: StoreRefusal = { code: 'cancelled', message: 'cancelled; nothing was stored' };

/** Nobody waits longer for a browser. */
const browserPatienceMs = 10 * 60_000;

/** Authorization code with PKCE on a loopback redirect. Errors: `cancelled`, `login_denied`, `login_failed`, `login_expired`, `tokens_not_bound`. */
export async function logInByBrowser(server: OAuthServer, options: LogInOptions): Promise<Result<Session, StoreRefusal>> {
  const { openid, configuration } = server;
  if (configuration.serverMetadata().authorization_endpoint === undefined) return err({ code: 'login_failed', message: `${options.server} offers no login by browser; run \`keyward login --device\`.` });
  const state = openid.randomState();
  let loopback: Loopback;
  try {
    loopback = await openLoopback(state);
  } catch (thrown) {
    return err({ code: 'login_failed', message: `No port can be opened for the browser to come back to (${thrown instanceof Error ? thrown.message : 'unknown error'}); run \`keyward login --device\`.` });
  }
  try {
    const key = await makeDpopKey(server);
    const proof = await proofBy(server, key);
    const checks = { pkceCodeVerifier: openid.randomPKCECodeVerifier(), expectedState: state, expectedNonce: openid.randomNonce(), idTokenExpected: false };
    const address = openid.buildAuthorizationUrl(configuration, {
      redirect_uri: loopback.redirectUri,
      scope: options.scope,
      state,
      nonce: checks.expectedNonce,
      code_challenge: await openid.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: 'S256',
      // RFC 9449 §10: the code is good for this key alone.
      dpop_jkt: await proof.calculateThumbprint(),
    });
    const isOpened = await options.openBrowser(address.href);
    options.progress.write(`Logging in at ${options.server}. ${isOpened ? 'Your browser was opened; if it shows nothing, open this page:' : 'Open this page in a browser on this machine:'}\n\n  ${printable(address.href)}\n\n${options.hint}Waiting for the browser. Ctrl-C cancels.\n`);
    const returned = await waitFor(loopback.returned, options.signal, browserPatienceMs);
    if (!returned.ok) return returned;
    const outcome = await redeem(server, returned.value, checks, proof);
    const session = outcome.ok ? sessionOf(server, outcome.value, key, options.scope, systemClock.nowMs()) : outcome;
    loopback.show(session.ok ? loginPage({ kind: 'done', label: session.value.label, server: options.server }) : loginPage({ kind: 'failed', message: session.error.message }));
    await loopback.shown(1_500);
    return session;
  } finally {
    await loopback.close();
  }
}

type Granted = Awaited<ReturnType<OAuthServer['openid']['authorizationCodeGrant']>>;

async function redeem(server: OAuthServer, returned: URL, checks: Parameters<OAuthServer['openid']['authorizationCodeGrant']>[2], DPoP: DPoPHandle): Promise<Result<Granted, StoreRefusal>> {
  const { openid, configuration } = server;
  const error = returned.searchParams.get('error');
  try {
    // The library compares `state` and `iss` (RFC 9207), and says no to an `error`.
    return ok(await openid.authorizationCodeGrant(configuration, returned, checks, {}, { DPoP }));
  } catch (thrown) {
    if (error === 'access_denied') return err({ code: 'login_denied', message: 'The login was refused in the browser. Nothing was stored; run `keyward login` to try again.' });
    if (error !== null) return err({ code: 'login_failed', message: `The server ended the login: ${printable(error.slice(0, 64))} ${printable((returned.searchParams.get('error_description') ?? '').slice(0, 200))}`.trim() });
    return err(describeLoginFailure(server.failure(thrown)));
  }
}

/** Device authorization grant, RFC 8628. Errors: as `logInByBrowser`. */
export async function logInByDevice(server: OAuthServer, options: LogInOptions): Promise<Result<Session, StoreRefusal>> {
  const { openid, configuration } = server;
  if (configuration.serverMetadata().device_authorization_endpoint === undefined) return err({ code: 'login_failed', message: `${options.server} offers no login by device; leave out --device.` });
  const key = await makeDpopKey(server);
  const proof = await proofBy(server, key);
  let started: Awaited<ReturnType<typeof openid.initiateDeviceAuthorization>>;
  try {
    started = await openid.initiateDeviceAuthorization(configuration, { scope: options.scope });
  } catch (thrown) {
    return err(describeLoginFailure(server.failure(thrown)));
  }
  const expiresAtMs = systemClock.monotonicMs() + started.expires_in * 1_000;
  options.progress.write(`Logging in at ${options.server}. On any device, open this page:\n\n  ${printable(started.verification_uri)}\n\nand enter this code there:\n\n  ${printable(started.user_code)}\n\nOnly enter a code that you started yourself, as here. It is good for ${Math.max(1, Math.round(started.expires_in / 60))} min.\nWaiting until it is approved. Ctrl-C cancels.\n`);
  let intervalSeconds = started.interval ?? 5;
  for (;;) {
    const leftMs = expiresAtMs - systemClock.monotonicMs();
    if (leftMs <= 0) return err(expired);
    // The library's own polling looks at its signal only every five seconds, and would keep the process for as long.
    const isOver = await systemClock.sleep(Math.min(leftMs, intervalSeconds * 1_000), options.signal).then(() => false, () => true);
    if (isOver) return err(cancelled);
    try {
      const granted = await openid.genericGrantRequest(configuration, deviceGrant, { device_code: started.device_code }, { DPoP: proof });
      return sessionOf(server, granted, key, options.scope, systemClock.nowMs());
    } catch (thrown) {
      if (options.signal.aborted) return err(cancelled);
      const failure = server.failure(thrown);
      const isPending = failure.kind === 'refused' && failure.error === 'authorization_pending';
      const isTooFast = failure.kind === 'refused' && failure.error === 'slow_down';
      const isPassing = failure.kind === 'unreachable' || (failure.kind === 'refused' && failure.status >= 500);
      if (!isPending && !isTooFast && !isPassing) return err(describeLoginFailure(failure));
      // RFC 8628 §3.5: slow_down adds 5 s to this and every later interval; a request that was not answered doubles it.
      if (isTooFast) intervalSeconds += 5;
      if (isPassing) intervalSeconds = Math.min(intervalSeconds * 2, 60);
    }
  }
}

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

const expired: StoreRefusal = { code: 'login_expired', message: 'Nobody finished the login in time. Nothing was stored; run `keyward login` to try again.' };

/** What `work` comes to, unless the person or the time ends it first. */
async function waitFor<T>(work: Promise<T>, signal: AbortSignal, patienceMs: number): Promise<Result<T, StoreRefusal>> {
  const stop = new AbortController();
  const ended = systemClock.sleep(Math.max(0, patienceMs), AbortSignal.any([signal, stop.signal])).then(
    () => err(expired),
    () => err(cancelled),
  );
  try {
    return await Promise.race([work.then((value) => ok(value)), ended]);
  } finally {
    stop.abort();
  }
}

function describeLoginFailure(failure: ServerFailure): StoreRefusal {
  if (failure.kind === 'unreachable') return describeUnreachable('The server', failure.detail);
  if (failure.kind === 'refused' && failure.error === 'access_denied') return { code: 'login_denied', message: 'The login was refused on the approval page. Nothing was stored; run `keyward login` to try again.' };
  if (failure.kind === 'refused' && failure.error === 'expired_token') return expired;
  if (failure.kind === 'refused' && failure.error === 'invalid_scope') return { code: 'invalid_request', message: `The server does not know the scopes asked for (${describeFailure(failure)}); choose others with --scope.` };
  return { code: 'login_failed', message: `The login failed: ${describeFailure(failure)}. Nothing was stored; run \`keyward login\` to try again.` };
}
