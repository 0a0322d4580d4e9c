import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { calculateJwkThumbprint, EmbeddedJWK, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { Provider, type Configuration } from 'oidc-provider';

/*
 * What the command line needs of a Keyward, as a process of its own: oidc-provider, which nobody here wrote, below /oauth
 * under the addresses of the contract, and the three endpoints that are Keyward's own. It says who it is on its first
 * line, and at /events what became of the requests that matter. Whoever opens the login page is logged in as ann.
 */

interface Options {
  readonly accessTokenSeconds: number;
  readonly bearerSeconds: number;
  readonly requireNonce: boolean;
  /** Milliseconds before a token request is answered. */
  readonly tokenDelayMs: number;
  readonly port: number;
}

const options: Options = JSON.parse(process.argv[2] ?? '{}');
const { privateKey } = await generateKeyPair('ES256', { extractable: true });
const jwk = { ...(await exportJWK(privateKey)), kid: 'test', alg: 'ES256', use: 'sig' };
const server = createServer();
await new Promise<void>((resolve) => server.listen(options.port, '127.0.0.1', resolve));
const address = server.address();
if (typeof address !== 'object' || address === null) throw new Error('no port');
const base = `http://127.0.0.1:${address.port}`;
const issuer = `${base}/oauth`;

const configuration: Configuration = {
  clients: [{ client_id: 'keyward-cli', application_type: 'native', token_endpoint_auth_method: 'none', redirect_uris: ['http://127.0.0.1/callback'], grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'], response_types: ['code'], id_token_signed_response_alg: 'ES256', dpop_bound_access_tokens: true }],
  jwks: { keys: [jwk] },
  scopes: ['openid', 'models:use', 'models:read', 'keys:read'],
  claims: { openid: ['sub', 'email', 'org'] },
  conformIdTokenClaims: false,
  responseTypes: ['code'],
  cookies: { keys: ['a key of a test'] },
  routes: { authorization: '/authorize', token: '/token', device_authorization: '/device_authorization', code_verification: '/device', revocation: '/revoke', introspection: '/introspect', jwks: '/jwks' },
  features: {
    devInteractions: { enabled: false },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => options.requireNonce },
    deviceFlow: { enabled: true, charset: 'base-20', mask: '****-****', userCodeInputSource: (ctx, form) => void (ctx.body = form), userCodeConfirmSource: (ctx, form) => void (ctx.body = form), successSource: (ctx) => void (ctx.body = 'granted') },
    revocation: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
  },
  ttl: { AccessToken: options.accessTokenSeconds, RefreshToken: 3_600, DeviceCode: 600, AuthorizationCode: 60, IdToken: 3_600, Grant: 3_600, Session: 3_600, Interaction: 600 },
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.com`, org: 'acme' }) }),
  interactions: { url: (_ctx, interaction) => `/oauth/interaction/${interaction.uid}` },
  renderError: (ctx, out) => void (ctx.body = `error: ${out.error}`),
};

const provider = new Provider(issuer, configuration);
const handle = provider.callback();
const events: object[] = [];
const tell = (event: object): void => void events.push(event);
/** Keys of runs, and bearer tokens, that are good now. */
const good = new Map<string, { readonly id: string; readonly name: string }>();
let nextId = 1;
/** While set, requests to /oauth die in this way. */
let trouble: '' | 'drop-answer' | '503' = '';

async function interact(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { params, prompt, session } = await provider.interactionDetails(req, res);
  if (String(params['scope']).includes('keys:read')) return provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'ann said no' });
  if (prompt.name === 'login') return provider.interactionFinished(req, res, { login: { accountId: 'ann' } });
  const grant = new provider.Grant({ clientId: String(params['client_id']), ...(session === undefined ? {} : { accountId: session.accountId }) });
  grant.addOIDCScope('openid models:use models:read');
  return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}

const json = (res: ServerResponse, status: number, body: object, headers: Readonly<Record<string, string>> = {}): void => void res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers }).end(JSON.stringify(body));

/** RFC 9449 §7: an access token with proof of the key that it is bound to. */
async function checkProof(req: IncomingMessage, url: string): Promise<boolean> {
  const [scheme, token = ''] = (req.headers.authorization ?? '').split(' ');
  const proof = req.headers['dpop'];
  if (scheme !== 'DPoP' || typeof proof !== 'string') return false;
  const found = await provider.AccessToken.find(token);
  if (found === undefined || found.isExpired) return false;
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt', algorithms: ['ES256'] });
  const thumbprint = protectedHeader.jwk === undefined ? '' : await calculateJwkThumbprint(protectedHeader.jwk);
  return payload['htu'] === url && payload['htm'] === req.method && payload['ath'] === createHash('sha256').update(token).digest('base64url') && found.jkt === thumbprint;
}

async function readBody(req: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of req) text += String(chunk);
  return text;
}

async function own(req: IncomingMessage, res: ServerResponse, path: string): Promise<void> {
  const body = await readBody(req);
  const bearer = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1] ?? String(req.headers['x-api-key'] ?? req.headers['x-goog-api-key'] ?? '');
  if (path === '/v1/models') return json(res, good.has(bearer) ? 200 : 401, { data: [] });
  if (path === '/oauth/run-keys' && req.method === 'DELETE') {
    const key = good.get(bearer);
    good.delete(bearer);
    tell({ event: 'run key ended', id: key?.id ?? '', name: key?.name ?? '' });
    return void res.writeHead(key === undefined ? 401 : 204).end();
  }
  const isProven = await checkProof(req, `${base}${path}`).catch(() => false);
  if (!isProven) return json(res, 401, { error: 'invalid_token' }, { 'www-authenticate': 'DPoP error="invalid_token", algs="ES256"' });
  const id = `id_${nextId++}`;
  if (path === '/oauth/bearer-token') {
    tell({ event: 'bearer token', id });
    good.set(`bearer-${id}`, { id, name: '' });
    return json(res, 200, { access_token: `bearer-${id}`, token_type: 'Bearer', expires_in: options.bearerSeconds, scope: 'models:use models:read' });
  }
  const { name }: { name: string } = JSON.parse(body);
  tell({ event: 'run key', id, name });
  good.set(`kw_live_run_${id}`, { id, name });
  return json(res, 201, { id, key: `kw_live_run_${id}`, expires_at: new Date(Date.now() + 3_600_000).toISOString() });
}

server.on('request', (req: IncomingMessage & { originalUrl?: string }, res) => {
  const target = req.url ?? '/';
  const [path = ''] = target.split('?');
  if (path === '/events') return json(res, 200, events);
  if (path.startsWith('/trouble/')) {
    const named = path.slice('/trouble/'.length);
    trouble = named === 'drop-answer' || named === '503' ? named : '';
    return void res.writeHead(204).end();
  }
  if (path === '/oauth/bearer-token' || path === '/oauth/run-keys' || path === '/v1/models') {
    if (trouble === '503') return void res.writeHead(503).end();
    return void own(req, res, path);
  }
  if (/^\/oauth\/interaction\/[\w-]+$/.test(path)) return void interact(req, res);
  if (!path.startsWith('/oauth/')) return json(res, 404, { error: { code: 'not_found' } });
  if (path === '/oauth/token') tell({ event: 'token request' });
  if (trouble === '503' && path === '/oauth/token') return void res.writeHead(503).end();
  if (trouble === 'drop-answer' && path === '/oauth/token') {
    // The provider does its part, and nobody hears of it.
    trouble = '';
    const { socket } = req;
    res.write = () => true;
    res.end = () => {
      socket.destroy();
      return res;
    };
  }
  req.originalUrl = target;
  req.url = target.slice('/oauth'.length);
  // The provider does its part at once; the answer takes its time.
  if (path === '/oauth/token' && options.tokenDelayMs > 0) {
    const end = res.end.bind(res);
    res.end = (chunk?: unknown) => {
      setTimeout(() => end(chunk), options.tokenDelayMs);
      return res;
    };
  }
  void handle(req, res);
});

provider.on('grant.success', (ctx) => tell({ event: 'issued', grant: ctx.oidc.params?.['grant_type'], bound: ctx.oidc.entities.AccessToken?.jkt !== undefined }));
provider.on('grant.error', (ctx, error) => tell({ event: 'refused', grant: ctx.oidc.params?.['grant_type'], error: error.error, detail: error.error_detail ?? '' }));
provider.on('grant.revoked', () => tell({ event: 'family ended' }));
process.stdout.write(`${JSON.stringify({ issuer })}\n`);
process.on('SIGTERM', () => process.exit(0));
