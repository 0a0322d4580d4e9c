import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

/** `oidc-provider` in a process of its own. */
export interface IdentityProvider {
  readonly issuer: string;
  readonly stop: () => Promise<void>;
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
  return {
    issuer,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
