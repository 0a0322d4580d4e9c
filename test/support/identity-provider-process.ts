import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider, type Configuration } from 'oidc-provider';

/*
 * oidc-provider, a certified authorization server that nobody here wrote, as a process of its own. It says who it is on
 * its first line of output. Whoever opens the login page is logged in as the account that stands in `login_hint`, else as
 * `ann`.
 */

interface Options {
  readonly accessTokenSeconds: number;
}

const options: Options = JSON.parse(process.argv[2] ?? '{}');
const { privateKey } = await generateKeyPair('ES256', { extractable: true });
const jwk = { ...(await exportJWK(privateKey)), kid: 'test', alg: 'ES256', use: 'sig' };

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
  ],
  jwks: { keys: [jwk] },
  scopes: ['openid', 'offline_access', 'email', 'models'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,
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
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true }) }),
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
    const hint = typeof params['login_hint'] === 'string' ? params['login_hint'] : 'ann';
    if (hint === 'refuse') return provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'ann said no' });
    if (prompt.name === 'login') return provider.interactionFinished(req, res, { login: { accountId: hint } });
    const grant = new provider.Grant({ clientId: String(params['client_id']), ...(session === undefined ? {} : { accountId: session.accountId }) });
    grant.addOIDCScope('openid offline_access email models');
    return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
  });
});

/** Each token request that ended, and each family of tokens that was ended, as a line. */
const tell = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`);
provider.on('grant.success', (ctx) => tell({ event: 'issued', grant: ctx.oidc.params?.['grant_type'], userAgent: ctx.get('user-agent') }));
provider.on('grant.error', (ctx, error) => tell({ event: 'refused', grant: ctx.oidc.params?.['grant_type'], error: error.error, detail: error.error_detail ?? '' }));
provider.on('grant.revoked', () => tell({ event: 'family ended' }));
tell({ issuer });
process.on('SIGTERM', () => process.exit(0));
