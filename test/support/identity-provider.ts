import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

/** `oidc-provider` in a process of its own. */
export interface IdentityProvider {
  readonly issuer: string;
  /** What became of token requests there, oldest first. */
  readonly events: () => readonly IdentityProviderEvent[];
  /** Whether a token is good there (RFC 7662). */
  readonly isActive: (token: string) => Promise<boolean>;
  /** The person ends the login there, as on a page of their account (RFC 7009). */
  readonly revoke: (refreshToken: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface IdentityProviderEvent {
  readonly event: 'issued' | 'refused' | 'family ended';
  readonly grant?: string;
  readonly userAgent?: string;
  readonly error?: string;
  readonly detail?: string;
}

/** Clients: `native` (public; code, device, refresh), `confidential` (basic), `machine` (client credentials). */
export async function startIdentityProvider(options: { readonly accessTokenSeconds?: number } = {}): Promise<IdentityProvider> {
  const entry = resolve(import.meta.dirname, 'identity-provider-process.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, JSON.stringify({ accessTokenSeconds: options.accessTokenSeconds ?? 600 })], { stdio: ['ignore', 'pipe', 'pipe'] });
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
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
