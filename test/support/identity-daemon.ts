import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allowInsecureRequests, discovery, type ClientAuth, type Configuration } from 'openid-client';
import { makeFolder, startDaemon, type RunningDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';

export const rootSecret = 'root-secret-0123456789abcdef';

/** A daemon that issues tokens, addressed as clients address it. */
export interface IdentityDaemon extends RunningDaemon {
  /** `http://localhost:PORT`, as in everything it issues. */
  readonly publicUrl: string;
  readonly issuer: string;
  /** JSON of a management route, asked with the root secret. */
  readonly manage: (method: string, path: string, body?: object) => Promise<{ readonly status: number; readonly body: Record<string, never> & { readonly [name: string]: unknown } }>;
  /** openid-client, told of this issuer by its metadata alone. */
  readonly client: (id: string, secret?: string, authentication?: ClientAuth) => Promise<Configuration>;
}

/** `identity`: further lines below `identity:`, indented by two; `config`: further settings. */
export async function startIdentityDaemon(setup: { readonly identity?: string; readonly config?: string; readonly folder?: string; readonly port?: number } = {}): Promise<IdentityDaemon> {
  const folder = setup.folder ?? makeFolder();
  const port = setup.port ?? (await freePort());
  mkdirSync(join(folder, 'auth'), { recursive: true, mode: 0o700 });
  writeFileSync(
    join(folder, 'config.yaml'),
    `port: ${port}\nhost: 127.0.0.1\ndata-dir: "./data"\nauth-dir: "./auth"\nremote-management: { secret-key: "${rootSecret}" }\nidentity:\n  enabled: true\n${setup.identity ?? ''}\n${setup.config ?? ''}`,
    { mode: 0o600 },
  );
  const daemon = await startDaemon({ folder });
  const publicUrl = `http://localhost:${port}`;
  const issuer = `${publicUrl}/oauth`;
  return {
    ...daemon,
    publicUrl,
    issuer,
    manage: async (method, path, body) => {
      const answer = await fetch(`${publicUrl}/v0/management${path}`, { method, headers: { authorization: `Bearer ${rootSecret}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      return { status: answer.status, body: JSON.parse(await answer.text()) };
    },
    client: (id, secret, authentication) => discovery(new URL(issuer), id, secret, authentication, { execute: [allowInsecureRequests] }),
  };
}
