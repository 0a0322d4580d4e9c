import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider, type Configuration } from 'oidc-provider';

/*
 * oidc-provider, a certified authorization server that nobody here wrote, as a process of its own. It says who it is on
 * its first line of output. Whoever opens the login page is logged in as the account that stands in `login_hint`, else as
 * whoever `signInAs` named last, else as `ann`. Commands come as lines of JSON, and are acknowledged in their order.
 */

interface Options {
  readonly accessTokenSeconds: number;
  /** Of the client `keyward`, by which people sign in. */
  readonly signInRedirect: string;
  /** Claims come from the user-info endpoint alone, as OpenID Connect Core §5.4 has it. */
  readonly claimsAtUserinfo: boolean;
}

interface Account {
  readonly name?: string;
  readonly email?: string;
  readonly isEmailVerified?: boolean;
  readonly groups?: readonly string[];
  readonly isDisabled?: boolean;
}

interface Command {
  readonly signInAs?: string;
  readonly account?: { readonly id: string } & Account;
  /** Nobody is at its port, until it is back at the same one. */
  readonly isAway?: boolean;
}

const options: Options = JSON.parse(process.argv[2] ?? '{}');
const { privateKey } = await generateKeyPair('ES256', { extractable: true });
const jwk = { ...(await exportJWK(privateKey)), kid: 'test', alg: 'ES256', use: 'sig' };

const accounts = new Map<string, Account>();
let signingIn = 'ann';
const claimsOf = (id: string): { sub: string; [name: string]: unknown } => {
  const { name = id, email = `${id}@example.com`, isEmailVerified = true, groups = [] } = accounts.get(id) ?? {};
  return { sub: id, name, email, email_verified: isEmailVerified, groups };
};

const server = createServer();
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = server.address();
if (typeof address !== 'object' || address === null) throw new Error('no port');
const issuer = `http://127.0.0.1:${address.port}`;

const es256 = { id_token_signed_response_alg: 'ES256' } as const;
const configuration: Configuration = {
  clients: [
    { client_id: 'native', application_type: 'native', token_endpoint_auth_method: 'none', redirect_uris: ['http://localhost/oauth/callback/corp', 'http://localhost/callback', 'http://127.0.0.1/callback'], grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'], response_types: ['code'], ...es256 },
    { client_id: 'confidential', client_secret: 'confidential-secret-0123456789abcdef', redirect_uris: ['http://localhost:8317/oauth/callback/corp'], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], token_endpoint_auth_method: 'client_secret_basic', ...es256 },
    { client_id: 'machine', client_secret: 'machine-secret-0123456789abcdef', redirect_uris: [], response_types: [], grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_basic', scope: 'models', ...es256 },
    ...(options.signInRedirect === '' ? [] : [{ client_id: 'keyward', client_secret: 'keyward-secret-0123456789-abcdef', redirect_uris: [options.signInRedirect], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code' as const], token_endpoint_auth_method: 'client_secret_basic' as const, ...es256 }]),
  ],
  jwks: { keys: [jwk] },
  scopes: ['openid', 'offline_access', 'email', 'models', 'profile', 'groups'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
  conformIdTokenClaims: options.claimsAtUserinfo,
  responseTypes: ['code'],
  cookies: { keys: ['a key of a test'] },
  features: {
    devInteractions: { enabled: false },
    deviceFlow: {
      enabled: true,
      charset: 'base-20',
      mask: '****-****',
      userCodeInputSource: (ctx, form) => void (ctx.body = form),
      userCodeConfirmSource: (ctx, form) => void (ctx.body = form),
      successSource: (ctx) => void (ctx.body = 'granted'),
    },
    clientCredentials: { enabled: true },
    // Asked for with `resource`, an access token is a JWT for it (RFC 8707, RFC 9068).
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, resource) => ({ scope: 'models', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: options.accessTokenSeconds, jwt: { sign: { alg: 'ES256' } } }),
    },
    revocation: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
  },
  ttl: { AccessToken: options.accessTokenSeconds, ClientCredentials: options.accessTokenSeconds, RefreshToken: 3_600, DeviceCode: 600, AuthorizationCode: 60, IdToken: 3_600, Grant: 3_600, Session: 3_600, Interaction: 600 },
  // As OpenID Connect Core §11 has it for people; the other clients always get one.
  issueRefreshToken: (_ctx, client, code) => client.clientId !== 'keyward' || code.scopes.has('offline_access'),
  rotateRefreshToken: true,
  findAccount: (_ctx, id) => (accounts.get(id)?.isDisabled === true ? undefined : { accountId: id, claims: () => claimsOf(id) }),
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  renderError: (ctx, out) => void (ctx.body = `error: ${out.error}`),
};

const provider = new Provider(issuer, configuration);
const handle = provider.callback();
server.on('request', (req, res) => {
  if (!/^\/interaction\/[\w-]+$/.test(req.url ?? '')) {
    void handle(req, res);
    return;
  }
  void provider.interactionDetails(req, res).then(async ({ params, prompt, session }) => {
    const hint = typeof params['login_hint'] === 'string' ? params['login_hint'] : signingIn;
    if (hint === 'refuse') return provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'ann said no' });
    if (prompt.name === 'login') return provider.interactionFinished(req, res, { login: { accountId: hint } });
    const grant = new provider.Grant({ clientId: String(params['client_id']), ...(session === undefined ? {} : { accountId: session.accountId }) });
    grant.addOIDCScope('openid offline_access email models profile groups');
    return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
  });
});

/** Each token request that ended, and each family of tokens that was ended, as a line. */
const tell = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`);
provider.on('grant.success', (ctx) => tell({ event: 'issued', grant: ctx.oidc.params?.['grant_type'], userAgent: ctx.get('user-agent') }));
provider.on('grant.error', (ctx, error) => tell({ event: 'refused', grant: ctx.oidc.params?.['grant_type'], error: error.error, detail: error.error_detail ?? '' }));
provider.on('grant.revoked', () => tell({ event: 'family ended' }));
tell({ issuer });
createInterface({ input: process.stdin }).on('line', (line) => {
  const command: Command = JSON.parse(line);
  if (command.signInAs !== undefined) signingIn = command.signInAs;
  if (command.account !== undefined) accounts.set(command.account.id, { ...accounts.get(command.account.id), ...command.account });
  const done = (): void => tell({ done: line });
  if (command.isAway === undefined) return done();
  if (!command.isAway) return void server.listen(address.port, '127.0.0.1', done);
  server.close(done);
  server.closeAllConnections();
});
process.on('SIGTERM', () => process.exit(0));
