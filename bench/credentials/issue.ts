import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child, Children } from '../process/children.ts';
import { takeFreePort } from '../process/free-port.ts';
import { readCpuMs } from '../process/proc-stat.ts';

export const benchClient = { id: 'bench', secret: 'bench-secret-0123456789abcdef0123456789abcdef' };
const rootSecret = 'bench-root-secret-0123456789';
const binary = resolve(import.meta.dirname, '../../dist/keyward.mjs');
const connections = 8;

export interface IssueTimes {
  readonly title: string;
  readonly perSecond: number;
  /** Tokens for each second that the issuer's process computed. */
  readonly perCpuSecond: number;
  readonly failed: number;
}

interface Issuer {
  readonly title: string;
  readonly child: Child;
  readonly port: number;
  readonly path: string;
  readonly authorization: string;
}

/** Client credentials, over and over: Keyward with its store and JWTs, and the library as it comes, in turns. */
export async function measureIssuing(children: Children, folder: string, roundMs: number): Promise<readonly IssueTimes[]> {
  const issuers = [await startLibrary(children, folder), await startKeyward(children, folder)];
  for (const issuer of issuers) await issueFor(issuer, roundMs);
  const results: IssueTimes[][] = issuers.map(() => []);
  for (let round = 0; round < 3; round += 1) for (const [index, issuer] of issuers.entries()) results[index]?.push(await issueFor(issuer, roundMs));
  return results.map((rounds) => rounds.toSorted((a, b) => a.perSecond - b.perSecond)[1]).filter((each) => each !== undefined);
}

async function startLibrary(children: Children, folder: string): Promise<Issuer> {
  const { child, port } = await children.forkProgram(join(import.meta.dirname, 'library.ts'), [], { cwd: folder, env: {}, outputPath: join(folder, 'library.log') });
  return { title: 'oidc-provider as it comes: opaque tokens in memory', child, port, path: '/token', authorization: basic(benchClient.id, benchClient.secret) };
}

async function startKeyward(children: Children, folder: string): Promise<Issuer> {
  const port = await takeFreePort();
  const home = join(folder, 'home');
  mkdirSync(home);
  const config = join(home, 'config.yaml');
  writeFileSync(config, `port: ${port}\nauth-dir: "./auth"\ndata-dir: "./data"\nremote-management: { secret-key: "${rootSecret}" }\nidentity: { enabled: true }\n`, { mode: 0o600 });
  const child = children.spawn(process.execPath, [binary, 'serve', '--config', config], { cwd: home, env: { HOME: home }, outputPath: join(folder, 'daemon.log') });
  for (let waitedMs = 0; waitedMs < 20_000 && !child.hasEnded(); waitedMs += 50) {
    const answer = await fetch(`http://127.0.0.1:${port}/v0/management/oauth-clients`, { method: 'POST', headers: { authorization: `Bearer ${rootSecret}`, 'content-type': 'application/json' }, body: JSON.stringify({ name: 'bench' }) }).catch(() => undefined);
    if (answer?.status === 201) {
      const made: object = Object(await answer.json());
      return { title: 'Keyward: ES256 tokens, store in SQLite, audit', child, port, path: '/oauth/token', authorization: basic(String(Reflect.get(made, 'id')), String(Reflect.get(made, 'client_secret'))) };
    }
    await sleep(50);
  }
  throw new Error(`Keyward did not start: ${child.lastWords()}`);
}

function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

async function issueFor({ title, child, port, path, authorization }: Issuer, ms: number): Promise<IssueTimes> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const cpuBefore = readCpuMs(child.pid);
  const start = performance.now();
  let issued = 0;
  let failed = 0;
  const one = (): Promise<void> =>
    new Promise((done) => {
      const sent = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' } }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
        answer.on('end', () => {
          if (answer.statusCode === 200 && text.includes('"access_token"')) issued += 1;
          else failed += 1;
          done();
        });
      });
      sent.on('error', () => {
        failed += 1;
        done();
      });
      sent.end('grant_type=client_credentials');
    });
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() - start < ms) await one();
    }),
  );
  const elapsedMs = performance.now() - start;
  const cpuMs = readCpuMs(child.pid) - cpuBefore;
  agent.destroy();
  return { title, perSecond: (issued * 1_000) / elapsedMs, perCpuSecond: (issued * 1_000) / cpuMs, failed };
}
