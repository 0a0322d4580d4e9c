import { createHash, randomBytes } from 'node:crypto';

/** An authorization that a browser was sent for, as the vendor keeps it until its code is redeemed. */
export interface Authorization {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly state: string;
  /** `''` without PKCE. */
  readonly challenge: string;
}

/** What every simulated vendor keeps: codes and refresh tokens, each good once. */
export interface CodeBook {
  /** Grants what the address asks for; the address that the browser is sent to, its code and state apart. */
  readonly grant: (authorizeUrl: string, redirectParameter?: string) => { readonly url: string; readonly code: string; readonly state: string };
  /** The authorization that a code belongs to, when redirect and verifier fit; undefined else, and ever after. */
  readonly redeem: (code: string, redirectUri: string, verifier: string) => Authorization | undefined;
  readonly issueRefreshToken: () => string;
  /** True once for each token. */
  readonly spend: (refreshToken: string) => boolean;
  /** Everything secret that was handed out, for canary checks. */
  readonly secrets: () => readonly string[];
  readonly newSecret: (kind: string) => string;
  /** Takes a secret that was made elsewhere to the others. */
  readonly note: (secret: string) => string;
}

export function createCodeBook(): CodeBook {
  const codes = new Map<string, Authorization>();
  const tokens = new Set<string>();
  const secrets: string[] = [];
  const newSecret = (kind: string): string => {
    const secret = `${kind}-${randomBytes(18).toString('base64url')}`;
    secrets.push(secret);
    return secret;
  };
  return {
    grant: (authorizeUrl, redirectParameter = 'redirect_uri') => {
      const { searchParams } = new URL(authorizeUrl);
      const get = (name: string): string => searchParams.get(name) ?? '';
      const challenge = get('code_challenge');
      if (challenge !== '' && get('code_challenge_method') !== 'S256') throw new Error('not S256');
      const code = newSecret('code');
      const state = get('state');
      codes.set(code, { clientId: get('client_id'), redirectUri: get(redirectParameter), state, challenge });
      const url = new URL(get(redirectParameter));
      url.searchParams.set('code', code);
      url.searchParams.set('state', state);
      return { url: url.href, code, state };
    },
    redeem: (code, redirectUri, verifier) => {
      const authorization = codes.get(code);
      codes.delete(code);
      if (authorization === undefined || authorization.redirectUri !== redirectUri) return undefined;
      const isProven = authorization.challenge === '' ? verifier === '' : createHash('sha256').update(verifier).digest('base64url') === authorization.challenge;
      return isProven ? authorization : undefined;
    },
    issueRefreshToken: () => {
      const token = newSecret('rt');
      tokens.add(token);
      return token;
    },
    spend: (token) => tokens.delete(token),
    secrets: () => secrets,
    newSecret,
    note: (secret) => {
      secrets.push(secret);
      return secret;
    },
  };
}

/** A JWT whose signature nobody checks. */
export function unsignedJwt(claims: object): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'RS256' })}.${encode(claims)}.c2lnbmF0dXJl`;
}

/** The members of a form or JSON body as text. */
export function readForm(body: Buffer): ReadonlyMap<string, string> {
  return new Map(new URLSearchParams(body.toString('utf8')));
}

/** The members of a JSON object; those that are no text are left out. */
export function readJson(body: Buffer): ReadonlyMap<string, string> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return new Map(Object.entries(typeof value === 'object' && value !== null ? value : {}).filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
  } catch {
    return new Map();
  }
}
