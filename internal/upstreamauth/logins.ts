import type { AccountWriter, NewLogin } from '../accounts/directory/ports.ts';
import { noTokens } from '../accounts/token-set.ts';
import type { Clock } from '../clock/clock.ts';
import type { Dispatchers } from '../egress/dispatchers.ts';
import { AppError, toAppError } from '../fault/app-error.ts';
import type { Logger } from '../log/logger.ts';
import type { LoginGrant, LoginProfile } from '../providers/login-profile.ts';
import type { LoginProfiles } from '../providers/logins/resolve.ts';
import { afterLogin } from './after-issue.ts';
import { clientNotConfigured } from './client-identity.ts';
import { authorizeUrl, exchangeCode } from './code-grant.ts';
import { startCodexDevice } from './codex-device.ts';
import { startDevice, type DeviceGrant } from './device.ts';
import { DiscoveryFailed } from './discovery.ts';
import { createLoginPages } from './login-pages.ts';
import { buildNewLogin, labelOf } from './new-login.ts';
import { createOAuthClient, issuerOf, type OAuthExchange } from './oauth-client.ts';
import { createOAuthHttp } from './oauth-http.ts';
import { createPendingLogins, failure, isUnproven, loginLifeMs, type PendingLogin } from './pending-logins.ts';
import type { CallbackBase, LoginPages, LoginReturn, Logins, LoginStatus, StartedLogin } from './ports.ts';
import { createRedirects } from './redirects.ts';
import { readTokenSet } from './token-answer.ts';
import type { TokenRequestEnd } from './token-request.ts';
import { vendorCode, vendorText } from './vendor-text.ts';

export interface LoginsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Best a set of its own, closed after `close`: token requests share no kept-alive connection with other traffic. */
  readonly dispatchers: Dispatchers;
  /** `keyward/<version>`. */
  readonly userAgent: string;
  /** The profiles as the config has them now. */
  readonly profiles: () => LoginProfiles;
  readonly storeLogin: AccountWriter['storeLogin'];
  /** Whether the auth directory has a file of this login's identity already (security rule 29). */
  readonly isKnown: (login: NewLogin) => boolean | Promise<boolean>;
  readonly callbackBase: () => CallbackBase;
  /** Absolute path of the auth directory, for the page that says what was stored. Not said unless told. */
  readonly storedIn?: () => string;
  /** The config's `proxy-url`, for logins that name none. `''` unless told. */
  readonly proxyUrl?: () => string;
  /** Of one request to a vendor; 30,000 unless told. */
  readonly requestTimeoutMs?: number;
  /** How long a redirect port stays open after its last login; 20,000 unless told. */
  readonly redirectGraceMs?: number;
}

type Done = Extract<LoginStatus, { readonly kind: 'done' }>;
type StartOptions = Parameters<Logins['start']>[1];

/** Nothing is opened until a login needs it. `pages` finishes what browsers bring back; the main port's routes use it too. */
export function createLogins(deps: LoginsDeps): Logins & { readonly pages: LoginPages } {
  const { clock, log } = deps;
  const http = createOAuthHttp(deps);
  const oauth = createOAuthClient({ clock, http });
  const running = new Set<Promise<unknown>>();
  const pending = createPendingLogins(clock, (login) => redirects.release(login));
  const proxyOf = (profile: LoginProfile): string => (profile.spend.proxyUrl === '' ? (deps.proxyUrl?.() ?? '') : profile.spend.proxyUrl);

  const open = async (profile: LoginProfile): Promise<OAuthExchange> => {
    try {
      return await oauth.open(profile, { client: profile.registration, proxyUrl: proxyOf(profile) });
    } catch (cause) {
      throw new AppError('login_failed', { message: `The login at ${profile.title} cannot be started: ${cause instanceof DiscoveryFailed ? cause.detail : 'its settings cannot be used'}.`, cause });
    }
  };

  const add = (profile: LoginProfile, grant: LoginGrant, exchange: OAuthExchange | undefined, options: StartOptions, rest: { readonly redirectUri: string; readonly codeVerifier: string | undefined; readonly lifeMs: number }): PendingLogin => {
    const added = pending.add({ profile, grant, issuer: exchange === undefined ? '' : issuerOf(exchange.endpoints), mustNameIssuer: exchange?.endpoints.sendsIss ?? false, projectId: options.projectId, label: options.label, ...rest });
    if (!added.ok) throw added.error;
    log.info({ provider: profile.name, grant }, 'a login was started');
    return added.value;
  };

  const startCode = async (profile: LoginProfile, exchange: OAuthExchange, options: StartOptions): Promise<StartedLogin> => {
    const redirectUri = redirects.uriOf(profile);
    const codeVerifier = profile.usesPkce ? exchange.library.randomPKCECodeVerifier() : undefined;
    const login = add(profile, 'authorization-code', exchange, options, { redirectUri, codeVerifier, lifeMs: loginLifeMs });
    const [url, opened] = await Promise.all([authorizeUrl(exchange, { profile, redirectUri, state: login.state, codeVerifier }), redirects.open(login)]).catch((thrown: unknown) => {
      throw failWith(login, thrown);
    });
    return { state: login.state, provider: profile.name, grant: login.grant, url, userCode: undefined, expiresAtMs: login.expiresAtMs, redirect: { uri: redirectUri, ...opened } };
  };

  const startByDevice = async (profile: LoginProfile, grant: 'device' | 'codex-device', exchange: OAuthExchange | undefined, options: StartOptions): Promise<StartedLogin> => {
    const granted = exchange === undefined ? await startCodexDevice({ http, oauth, clock }, profile, proxyOf(profile)) : await startDevice(oauth, clock, profile, proxyOf(profile), exchange);
    if (!granted.ok) throw granted.error;
    const { url, userCode, lifeMs } = granted.value;
    const login = add(profile, grant, exchange, options, { redirectUri: '', codeVerifier: undefined, lifeMs });
    const polling = follow(login, granted.value).finally(() => running.delete(polling));
    running.add(polling);
    return { state: login.state, provider: profile.name, grant, url, userCode, expiresAtMs: login.expiresAtMs, redirect: undefined };
  };

  const follow = async (login: PendingLogin, granted: DeviceGrant): Promise<void> => {
    try {
      await complete(login, await granted.poll(login.signal));
    } catch (thrown) {
      failWith(login, thrown);
    }
  };

  /** Ends a login that cannot go on; gives back the refusal to show. */
  const failWith = (login: PendingLogin, thrown: unknown): AppError => {
    const error = toAppError(thrown);
    const status = pending.statusOf(login.state);
    if (status?.kind === 'waiting') {
      pending.settle(login.state, failure(error));
      log.warn({ provider: login.profile.name, grant: login.grant, code: error.code, reason: error.message, ...(error.code === 'internal_error' ? { err: thrown } : {}) }, 'a login failed');
    }
    return error;
  };

  /** From the token endpoint's answer to durable tokens. */
  const complete = async (login: PendingLogin, end: TokenRequestEnd): Promise<Done> => {
    const { profile, state, signal } = login;
    if (signal.aborted) throw new AppError('login_failed', { message: 'The login was cancelled.' });
    if (end.kind === 'refused' && end.error === 'expired_token') throw new AppError('login_state_expired');
    if (end.kind === 'refused' && end.error === 'access_denied') throw new AppError('login_denied', { message: `${profile.title} did not grant the login: ${end.detail}.` });
    if (end.kind !== 'issued') throw new AppError('login_failed', { message: `${profile.title} did not complete the login: ${end.detail}.` });
    const issued = readTokenSet(end.answer, clock.nowMs(), noTokens);
    const vendor = await afterLogin({ http, clock, profile, proxyUrl: proxyOf(profile), answer: end.answer, tokens: issued, fact: () => undefined, userinfoUrl: end.userinfoUrl, projectId: login.projectId, signal });
    if (vendor.isUseless === true) throw new AppError('login_failed', { message: `${profile.title} granted the login, but ${vendor.problem ?? 'the account is of no use'}. Nothing was stored.` });
    if (signal.aborted) throw new AppError('login_failed', { message: 'The login was cancelled.' });
    if (vendor.problem !== undefined) log.warn({ provider: profile.name }, `the login was granted, but ${vendor.problem}`);
    const tokens = vendor.apiKey === undefined ? issued : { ...issued, apiKey: vendor.apiKey };
    const built = buildNewLogin({ profile, tokens, facts: vendor.facts, clientId: profile.registration.clientId, label: login.label });
    const isDisabled = isUnproven(login) && !(await deps.isKnown(built));
    const stored = await deps.storeLogin({ ...built, isDisabled });
    if (!stored.ok) throw stored.error;
    const done: Done = { kind: 'done', fileName: stored.value.name, label: labelOf(profile, vendor.facts, login.label), isDisabled: stored.value.operator.disabled };
    pending.settle(state, done);
    log.info({ provider: profile.name, grant: login.grant, file: done.fileName, disabled: done.isDisabled }, isDisabled ? 'a login was stored, disabled until it is confirmed' : 'a login was stored');
    return done;
  };

  const logins: Logins = {
    start: async (provider, options) => {
      const profile = deps.profiles().find(provider);
      if (profile === undefined) throw new AppError('login_not_offered');
      const grant = chooseGrant(profile, options.grant);
      if (profile.registration.clientId === '') throw clientNotConfigured(profile);
      checkProject(options.projectId);
      // OpenAI's device login uses no metadata.
      if (grant === 'codex-device') return startByDevice(profile, grant, undefined, options);
      const exchange = await open(profile);
      const { authorize, deviceAuthorization } = exchange.endpoints;
      // Without being told which, an endpoint of the operator's is logged in at by what its issuer has.
      const isDevice = grant === 'device' || (options.grant === undefined && authorize === '' && deviceAuthorization !== '' && profile.grants.includes('device'));
      if ((isDevice ? deviceAuthorization : authorize) === '') throw new AppError('login_not_offered', { message: `${profile.title} has no ${isDevice ? 'device authorization endpoint; set `device-authorization-url`' : 'authorization endpoint; set `authorize-url`'}.` });
      return isDevice ? startByDevice(profile, 'device', exchange, options) : startCode(profile, exchange, options);
    },
    finish: async (provider, returned) => {
      const claimed = pending.claim(returned.state, deps.profiles().find(provider)?.name ?? provider);
      if (!claimed.ok) throw claimed.error;
      const login = claimed.value;
      try {
        checkReturn(login, returned);
        const { profile, redirectUri, state, codeVerifier, signal } = login;
        return await complete(login, await exchangeCode(oauth, clock, { profile, proxyUrl: proxyOf(profile), redirectUri, code: returned.code, state, codeVerifier, signal }));
      } catch (thrown) {
        throw failWith(login, thrown);
      }
    },
    statusOf: pending.statusOf,
    sessions: pending.sessions,
    cancel: pending.cancel,
    wait: pending.wait,
    close: async () => {
      pending.close();
      await Promise.all([...running, redirects.close()]);
    },
  };

  const pages = createLoginPages({ logins, pending, profiles: deps.profiles, log, storedIn: deps.storedIn ?? (() => '') });
  const redirects = createRedirects({ clock, log, pages, pending, callbackBase: deps.callbackBase, ...(deps.redirectGraceMs === undefined ? {} : { graceMs: deps.redirectGraceMs }) });
  return { ...logins, pages };
}

function chooseGrant(profile: LoginProfile, asked: LoginGrant | undefined): LoginGrant {
  const wanted = asked === 'device' && !profile.grants.includes('device') && profile.grants.includes('codex-device') ? 'codex-device' : (asked ?? profile.grants[0]);
  if (wanted === 'client-credentials') throw new AppError('login_not_offered', { message: `${profile.title} uses client credentials from the config; there is nothing to log in to.` });
  if (wanted === 'service-account') throw new AppError('login_not_offered', { message: `${profile.title} uses a service account; import its JSON file instead.` });
  if (wanted === undefined || !profile.grants.includes(wanted)) throw new AppError('login_not_offered', { message: `${profile.title} has no ${wanted === 'authorization-code' ? 'login by redirect' : 'device login'}.` });
  return wanted;
}

/** Google's project ids, with the domain of old ones: `example.com:project`. */
function checkProject(projectId: string | undefined): void {
  if (projectId !== undefined && !/^[a-z\d][a-z\d.:-]{1,99}$/.test(projectId)) throw new AppError('invalid_request', { message: '`project_id` is no project id.' });
}

/** What the answer says of itself. Throws `login_issuer_mismatch`, `login_denied`. */
function checkReturn(login: PendingLogin, returned: LoginReturn): void {
  if (returned.iss !== '' && returned.iss !== login.issuer) throw new AppError('login_issuer_mismatch');
  if (returned.iss === '' && login.mustNameIssuer) throw new AppError('login_issuer_mismatch', { message: 'The answer does not name its issuer, which this provider always does. Start the login again and use the whole address that the browser was sent to.' });
  if (returned.error !== '') throw denied(login, returned);
}

function denied({ profile, state, codeVerifier }: PendingLogin, { error, errorDescription }: LoginReturn): AppError {
  const said = errorDescription === '' ? '' : `: ${vendorText(errorDescription, [state, codeVerifier])}`;
  return new AppError('login_denied', { message: `${profile.title} did not grant the login (${vendorCode(vendorText(error, [state, codeVerifier]))})${said}` });
}
