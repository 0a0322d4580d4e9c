import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { until } from './until.ts';

/** `oidc-provider` in a process of its own. */
export interface IdentityProvider {
  readonly issuer: string;
  /** What became of token requests there, oldest first. */
  readonly events: () => readonly IdentityProviderEvent[];
  /** Whether a token is good there (RFC 7662). */
  readonly isActive: (token: string) => Promise<boolean>;
  /** The person ends the login there, as on a page of their account (RFC 7009). */
  readonly revoke: (refreshToken: string) => Promise<void>;
  /** Whom the next login there is of. */
  readonly signInAs: (id: string) => Promise<void>;
  /** What it says of somebody from now on; a disabled one is not there any more. */
  readonly setAccount: (id: string, account: IdentityProviderAccount) => Promise<void>;
  /** Nobody is at its port any more; `false`: it is back there, and remembers everything. */
  readonly setAway: (isAway: boolean) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Unless told otherwise: the id as name, `<id>@example.com`, verified, no groups. */
export interface IdentityProviderAccount {
  readonly name?: string;
  readonly email?: string;
  readonly isEmailVerified?: boolean;
  readonly groups?: readonly string[];
  readonly isDisabled?: boolean;
}

export interface IdentityProviderOptions {
  readonly accessTokenSeconds?: number;
  /** Adds the client `keyward` (basic, secret `keyward-secret-0123456789-abcdef`), by which people sign in. */
  readonly signInRedirect?: string;
  readonly claimsAtUserinfo?: boolean;
}

export interface IdentityProviderEvent {
  readonly event: 'issued' | 'refused' | 'family ended';
  readonly grant?: string;
  readonly userAgent?: string;
  readonly error?: string;
  readonly detail?: string;
}

/** Clients: `native` (public; code, device, refresh), `confidential` (basic), `machine` (client credentials). */
export async function startIdentityProvider(options: IdentityProviderOptions = {}): Promise<IdentityProvider> {
  const entry = resolve(import.meta.dirname, 'identity-provider-process.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, JSON.stringify({ accessTokenSeconds: 600, signInRedirect: '', claimsAtUserinfo: false, ...options })], { stdio: ['pipe', 'pipe', 'pipe'] });
  let text = '';
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString('utf8')));
  const issuer = await new Promise<string>((done, fail) => {
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const line = /"issuer":"([^"]+)"/.exec(text);
      if (line?.[1] !== undefined) done(line[1]);
    });
    child.once('exit', (code) => fail(new Error(`the identity provider ended with ${code}:\n${complaints}`)));
  });
  let commands = 0;
  const command = async (value: object): Promise<void> => {
    commands += 1;
    const awaited = commands;
    child.stdin.write(`${JSON.stringify(value)}\n`);
    await until(`the provider to take ${JSON.stringify(value)}`, () => text.split('\n').filter((line) => line.startsWith('{"done"')).length >= awaited);
  };
  const basic = `Basic ${Buffer.from('confidential:confidential-secret-0123456789abcdef').toString('base64')}`;
  return {
    issuer,
    events: () => text.split('\n').flatMap((line) => (line.startsWith('{"event"') ? [JSON.parse(line)] : [])),
    isActive: async (token) => {
      const answer = await fetch(`${issuer}/token/introspection`, { method: 'POST', headers: { authorization: basic }, body: new URLSearchParams({ token }) });
      return (await answer.text()).includes('"active":true');
    },
    revoke: async (token) => {
      const answer = await fetch(`${issuer}/token/revocation`, { method: 'POST', body: new URLSearchParams({ token, client_id: 'native' }) });
      if (answer.status !== 200) throw new Error(`revocation ended with ${answer.status}`);
    },
    signInAs: (id) => command({ signInAs: id }),
    setAccount: (id, account) => command({ account: { id, ...account } }),
    setAway: (isAway) => command({ isAway }),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
