import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import type { Logger } from '../log/logger.ts';
import type { LoginGrant, LoginProfile } from '../providers/login-profile.ts';
import type { LoginProfiles } from '../providers/logins/resolve.ts';
import { clientNotConfigured } from './client-identity.ts';
import { authorizeUrl } from './code-grant.ts';
import { startCodexDevice } from './codex-device.ts';
import type { Completion } from './completion.ts';
import { startDevice, type DeviceGrant } from './device.ts';
import { DiscoveryFailed } from './discovery.ts';
import { issuerOf, type OAuthClient, type OAuthExchange } from './oauth-client.ts';
import type { OAuthHttp } from './oauth-http.ts';
import { loginLifeMs, type PendingLogin, type PendingLogins } from './pending-logins.ts';
import type { Logins, StartedLogin } from './ports.ts';
import type { Redirects } from './redirects.ts';

export interface StarterDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly http: OAuthHttp;
  readonly oauth: OAuthClient;
  readonly pending: PendingLogins;
  readonly completion: Completion;
  readonly redirects: Redirects;
  readonly profiles: () => LoginProfiles;
  readonly proxyOf: (profile: LoginProfile) => string;
}

/** The first part of every login; device grants also wait for their end here. */
export interface Starter {
  readonly start: Logins['start'];
  /** Resolves when no device grant is asked after any more. */
  readonly settled: () => Promise<void>;
}

interface Wanted {
  readonly projectId: string | undefined;
  readonly label?: string;
}

export function createStarter(deps: StarterDeps): Starter {
  const { clock, log, http, oauth, pending, completion, redirects, proxyOf } = deps;
  const running = new Set<Promise<void>>();

  const open = async (profile: LoginProfile): Promise<OAuthExchange> => {
    try {
      return await oauth.open(profile, { client: profile.registration, proxyUrl: proxyOf(profile) });
    } catch (cause) {
      throw new AppError('login_failed', { message: `The login at ${profile.title} cannot be started: ${cause instanceof DiscoveryFailed ? cause.detail : 'its settings cannot be used'}.`, cause });
    }
  };

  const add = (profile: LoginProfile, grant: LoginGrant, exchange: OAuthExchange | undefined, options: Wanted, rest: { readonly redirectUri: string; readonly codeVerifier: string | undefined; readonly lifeMs: number }): PendingLogin => {
    const added = pending.add({ profile, grant, issuer: exchange === undefined ? '' : issuerOf(exchange.endpoints), mustNameIssuer: exchange?.endpoints.sendsIss ?? false, projectId: options.projectId, label: options.label, ...rest });
    if (!added.ok) throw added.error;
    log.info({ provider: profile.name, grant }, 'a login was started');
    return added.value;
  };

  const startCode = async (profile: LoginProfile, exchange: OAuthExchange, options: Wanted): Promise<StartedLogin> => {
    const redirectUri = redirects.uriOf(profile);
    const codeVerifier = profile.usesPkce ? exchange.openid.randomPKCECodeVerifier() : undefined;
    const login = add(profile, 'authorization-code', exchange, options, { redirectUri, codeVerifier, lifeMs: loginLifeMs });
    const [url, opened] = await Promise.all([authorizeUrl(exchange, { profile, redirectUri, state: login.state, codeVerifier }), redirects.open(login)]).catch((thrown: unknown) => {
      throw completion.fail(login, thrown);
    });
    return { state: login.state, provider: profile.name, grant: login.grant, url, userCode: undefined, expiresAtMs: login.expiresAtMs, redirect: { uri: redirectUri, ...opened } };
  };

  const startByDevice = async (profile: LoginProfile, grant: 'device' | 'codex-device', exchange: OAuthExchange | undefined, options: Wanted): Promise<StartedLogin> => {
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
      await completion.complete(login, await granted.poll(login.signal));
    } catch (thrown) {
      completion.fail(login, thrown);
    }
  };

  return {
    start: async (provider, options) => {
      const profile = deps.profiles().find(provider);
      if (profile === undefined) throw new AppError('login_not_offered');
      const grant = chooseGrant(profile, options.grant);
      if (profile.registration.clientId === '') throw clientNotConfigured(profile);
      const wanted = { ...options, projectId: readProject(options.projectId) };
      const room = pending.checkRoom(profile);
      if (!room.ok) throw room.error;
      // OpenAI's device login uses no metadata.
      if (grant === 'codex-device') return startByDevice(profile, grant, undefined, wanted);
      const exchange = await open(profile);
      const { authorize, deviceAuthorization } = exchange.endpoints;
      // Without being told which, an endpoint of the operator's is logged in at by what its issuer has.
      const isDevice = grant === 'device' || (options.grant === undefined && authorize === '' && deviceAuthorization !== '' && profile.grants.includes('device'));
      if ((isDevice ? deviceAuthorization : authorize) === '') throw new AppError('login_not_offered', { message: `${profile.title} has no ${isDevice ? 'device authorization endpoint; set `device-authorization-url`' : 'authorization endpoint; set `authorize-url`'}.` });
      return isDevice ? startByDevice(profile, 'device', exchange, wanted) : startCode(profile, exchange, wanted);
    },
    settled: async () => {
      await Promise.all(running);
    },
  };
}

function chooseGrant(profile: LoginProfile, asked: LoginGrant | undefined): LoginGrant {
  const wanted = asked === 'device' && !profile.grants.includes('device') && profile.grants.includes('codex-device') ? 'codex-device' : (asked ?? profile.grants[0]);
  if (wanted === 'client-credentials') throw new AppError('login_not_offered', { message: `${profile.title} uses client credentials from the config; there is nothing to log in to.` });
  if (wanted === 'service-account') throw new AppError('login_not_offered', { message: `${profile.title} uses a service account; import its JSON file instead.` });
  if (wanted === undefined || !profile.grants.includes(wanted)) throw new AppError('login_not_offered', { message: `${profile.title} has no ${wanted === 'authorization-code' ? 'login by redirect' : 'device login'}.` });
  return wanted;
}

/** Google's project ids, with the domain of old ones: `example.com:project`. The Go program's `ALL` and `GOOGLE_ONE` leave it to be found. */
function readProject(projectId: string | undefined): string | undefined {
  if (projectId === undefined || /^(?:all|google_one)$/i.test(projectId)) return undefined;
  if (!/^[a-z\d][a-z\d.:-]{1,99}$/.test(projectId)) throw new AppError('invalid_request', { message: '`project_id` is no project id.' });
  return projectId;
}
