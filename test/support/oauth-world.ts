import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { expect } from 'vitest';
import { startIdentityDaemon, type IdentityDaemon } from './identity-daemon.ts';
import { walkPages, type PageWalk } from './page-walk.ts';

/** Parameters, in order and as often as they stand here. */
export type Form = Readonly<Record<string, string>> | readonly (readonly [string, string])[];
type HeaderMap = Readonly<Record<string, string>>;

export interface OAuthAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Its JSON object; empty where it is none. */
  readonly body: Readonly<Record<string, unknown>>;
  /** A text member of it; empty where there is none. */
  readonly at: (name: string) => string;
  /** `400 invalid_grant`, or the status alone. */
  readonly outcome: string;
}

export interface TestClient {
  readonly id: string;
  readonly secret: string;
  /** `Authorization` for it. */
  readonly basic: HeaderMap;
}

export interface Tokens {
  readonly access: string;
  readonly refresh: string;
  readonly answer: OAuthAnswer;
}

export interface OAuthWorld extends IdentityDaemon {
  /** A form to an endpoint of the authorization server. */
  readonly post: (endpoint: string, form: Form, headers?: HeaderMap) => Promise<OAuthAnswer>;
  readonly token: (form: Form, headers?: HeaderMap) => Promise<OAuthAnswer>;
  readonly makeClient: (body?: object) => Promise<TestClient>;
  /** Asks for a device code as `keyward-cli`. */
  readonly askCode: (form?: Form) => Promise<OAuthAnswer>;
  readonly decide: (userCode: string, decision?: 'approve' | 'deny') => Promise<void>;
  /** A login of `keyward-cli` by device grant; bound to a key where a proof comes along. */
  readonly logIn: (wish?: { readonly scope?: string; readonly headers?: HeaderMap }) => Promise<Tokens>;
  /** An address of the authorization endpoint, with PKCE unless a member is `undefined`. */
  readonly authorizeUrl: (parameters?: Readonly<Record<string, string | undefined>>) => string;
  /** Asks the authorization endpoint without following: the address it leads to, or the answer. */
  readonly authorize: (parameters?: Readonly<Record<string, string | undefined>> | string) => Promise<OAuthAnswer & { readonly location: URL | undefined }>;
  /** The whole way over the pages; the address that the browser is sent back to. */
  readonly walk: (parameters?: Readonly<Record<string, string | undefined>>, how?: Partial<PageWalk>) => Promise<URL>;
  /** A fresh code of `keyward-cli`. */
  readonly code: (parameters?: Readonly<Record<string, string | undefined>>) => Promise<string>;
  readonly redeem: (code: string, more?: Readonly<Record<string, string>>, headers?: HeaderMap) => Promise<OAuthAnswer>;
  /** A tried token: `200`, or status and code. */
  readonly use: (headers: HeaderMap, path?: string, init?: RequestInit) => Promise<string>;
  readonly useToken: (token: string) => Promise<string>;
}

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
export const redirectUri = 'http://127.0.0.1:49152/callback';
export const verifier = randomBytes(32).toString('base64url');
export const challenge = challengeOf(verifier);

export function challengeOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** RFC 6749 §2.3.1: both parts form-encoded. */
export function basicOf(id: string, secret: string): HeaderMap {
  const encode = (text: string): string => new URLSearchParams({ a: text }).toString().slice(2);
  return { authorization: `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}` };
}

/** Header (0) or claims (1) of a JWT, unverified. */
export function partOf(token: string, part: 0 | 1): Readonly<Record<string, unknown>> {
  return readObject(Buffer.from(token.split('.')[part] ?? '', 'base64url').toString('utf8'));
}

export async function startOAuthWorld(setup: Parameters<typeof startIdentityDaemon>[0] = {}): Promise<OAuthWorld> {
  const daemon = await startIdentityDaemon(setup);
  const { manage, issuer, publicUrl, url } = daemon;

  const post: OAuthWorld['post'] = async (endpoint, form, headers = {}) => {
    const answer = await fetch(`${issuer}${endpoint}`, { method: 'POST', headers: { ...headers }, body: encodeForm(form), redirect: 'manual' });
    return readAnswer(answer);
  };
  const token: OAuthWorld['token'] = (form, headers) => post('/token', form, headers);
  const askCode: OAuthWorld['askCode'] = (form = { scope: 'openid models:use models:read' }) => post('/device_authorization', isPairs(form) ? [['client_id', 'keyward-cli'], ...form] : { client_id: 'keyward-cli', ...form });
  const decide: OAuthWorld['decide'] = async (userCode, decision = 'approve') => {
    expect((await manage('POST', `/device-codes/${userCode}/${decision}`, decision === 'approve' ? { name: 'ann' } : undefined)).status).toBe(200);
  };
  const authorizeUrl: OAuthWorld['authorizeUrl'] = (parameters = {}) => {
    const all: Readonly<Record<string, string | undefined>> = { client_id: 'keyward-cli', response_type: 'code', redirect_uri: redirectUri, scope: 'openid models:use models:read', state: 'state-1', code_challenge: challenge, code_challenge_method: 'S256', ...parameters };
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(all)) if (value !== undefined) query.append(name, value);
    return `${issuer}/authorize?${query.toString()}`;
  };
  const walk: OAuthWorld['walk'] = (parameters = {}, how = {}) =>
    walkPages(authorizeUrl(parameters), parameters['redirect_uri'] ?? redirectUri, { issueCode: async (name) => textOf((await manage('POST', '/approval-codes', { name })).body['code']), ...how });

  const use: OAuthWorld['use'] = async (headers, path = '/v1/models', init = {}) => {
    const answer = await fetch(`${url}${path}`, { ...init, headers: { ...headers } });
    // Gemini's envelope has the code as a reason.
    const code = /"(?:code|reason)":"(\w+)"/.exec(await answer.text())?.[1] ?? '';
    return `${answer.status} ${code}`.trim();
  };

  return {
    ...daemon,
    post,
    token,
    askCode,
    decide,
    authorizeUrl,
    walk,
    makeClient: async (body = {}) => {
      const made = await manage('POST', '/oauth-clients', { name: 'ci', ...body });
      expect(made.status).toBe(201);
      const [id, secret] = [textOf(made.body['id']), textOf(made.body['client_secret'])];
      return { id, secret, basic: basicOf(id, secret) };
    },
    logIn: async ({ scope = 'openid models:use models:read', headers = {} } = {}) => {
      const device = await askCode({ scope });
      await decide(device.at('user_code'));
      const answer = await token({ grant_type: deviceGrant, client_id: 'keyward-cli', device_code: device.at('device_code') }, headers);
      expect(answer.outcome).toBe('200');
      return { access: answer.at('access_token'), refresh: answer.at('refresh_token'), answer };
    },
    authorize: async (parameters = {}) => {
      const answer = await fetch(typeof parameters === 'string' ? parameters : authorizeUrl(parameters), { redirect: 'manual' });
      const location = answer.headers.get('location');
      return { ...(await readAnswer(answer)), location: location === null ? undefined : new URL(location, publicUrl) };
    },
    code: async (parameters = {}) => (await walk(parameters)).searchParams.get('code') ?? '',
    redeem: (code, more = {}, headers = {}) => token({ grant_type: 'authorization_code', client_id: 'keyward-cli', redirect_uri: redirectUri, code_verifier: verifier, code, ...more }, headers),
    use,
    useToken: (text) => use({ authorization: `Bearer ${text}` }),
  };
}

/** A key that tokens are bound to, and its proofs (RFC 9449 §4.2). */
export interface ProofKey {
  readonly jwk: JWK;
  readonly thumbprint: string;
  /** `undefined` members are left out. */
  readonly prove: (claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>, signWith?: CryptoKey) => Promise<string>;
}

export async function createProofKey(algorithm = 'ES256'): Promise<ProofKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return {
    jwk,
    thumbprint: await calculateJwkThumbprint(jwk),
    prove: (claims, header = {}, signWith = privateKey) =>
      new SignJWT(readObject(JSON.stringify({ jti: randomUUID(), iat: nowSeconds(), ...claims }))).setProtectedHeader({ alg: algorithm, typ: 'dpop+jwt', jwk, ...header }).sign(signWith),
  };
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

/** RFC 6749 §5.2, Appendix A.7 and A.8: what every refusal looks like. */
export function expectRefusal(answer: OAuthAnswer, status: number, error: string): void {
  expect(answer.outcome, answer.text).toBe(`${status} ${error}`);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  expect(Object.keys(answer.body).filter((name) => !['error', 'error_description', 'scope', 'iss', 'state'].includes(name))).toEqual([]);
  expect(answer.at('error_description')).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/);
}

async function readAnswer(answer: Response): Promise<OAuthAnswer> {
  const text = await answer.text();
  const body = readObject(text);
  const at = (name: string): string => textOf(body[name]);
  return { status: answer.status, headers: answer.headers, text, body, at, outcome: `${answer.status} ${at('error')}`.trim() };
}

function readObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function encodeForm(form: Form): URLSearchParams {
  const encoded = new URLSearchParams();
  for (const [name, value] of isPairs(form) ? form : Object.entries(form)) encoded.append(name, value);
  return encoded;
}

function isPairs(form: Form): form is readonly (readonly [string, string])[] {
  return Array.isArray(form);
}
