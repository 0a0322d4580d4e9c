import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { resolve } from 'node:path';

/** A platform that vouches for its workloads, in a process of its own. */
export interface WorkloadIssuer {
  readonly issuer: string;
  /** `jti` is new each time, `iat` now and `exp` in five minutes, unless told. */
  readonly token: (claims: Readonly<Record<string, unknown>>) => Promise<string>;
  readonly stop: () => Promise<void>;
}

export async function startWorkloadIssuer(): Promise<WorkloadIssuer> {
  const entry = resolve(import.meta.dirname, 'workload-issuer-process.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry], { stdio: ['ignore', 'pipe', 'inherit'] });
  const issuer = await new Promise<string>((done, fail) => {
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
      const found = /"issuer":"([^"]+)"/.exec(said)?.[1];
      if (found !== undefined) done(found);
    });
    child.once('exit', (code) => fail(new Error(`the issuer ended with ${code}`)));
  });
  return {
    issuer,
    token: async (claims) => {
      const answer = await fetch(`${issuer}/token`, { method: 'POST', body: JSON.stringify({ jti: randomUUID(), ...claims }) });
      return answer.text();
    },
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
