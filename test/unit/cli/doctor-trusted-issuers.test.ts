import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askIssuer } from '../../../internal/authserver/workloads/ask-issuer.ts';
import { examineTrustedIssuers, type AskIssuer } from '../../../internal/cli/doctor/trusted-issuers.ts';
import { openAuditArchive } from '../../../internal/storage/audit-archive.ts';
import { runCli } from '../../../internal/cli/run.ts';
import { err, ok } from '../../../internal/fault/result.ts';
import { configOf } from '../../support/config.ts';
import { createPlatform } from '../../support/workload-world.ts';
import { createFakeProcess } from './fake-process.ts';

const cli = { env: {}, version: '0.0.0' };
const entry = { issuer: 'https://id.example.com', audience: 'keyward', subjects: ['job'] };
const examine = async (entries: readonly object[], ask: AskIssuer): Promise<readonly string[]> =>
  (await examineTrustedIssuers(ask, configOf({ identity: { 'trusted-issuers': entries } }), cli)).map(({ level, code }) => `${level} ${code}`);

/** A platform that answers on this machine, over plain http. */
async function startPlatform(algorithm: string): Promise<string> {
  const server = createServer((req, res) => {
    res.end(JSON.stringify(req.url === '/jwks' ? { keys: platform.keys } : { issuer: platform.issuer, jwks_uri: `${platform.issuer}/jwks` }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const bound = server.address();
  const platform = await createPlatform(`http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`, Date.now, algorithm);
  return platform.issuer;
}

describe('doctor on trusted issuers', () => {
  it('has nothing to say of those whose keys are there', async () => {
    expect(await examine([entry], () => Promise.resolve(ok(2)))).toEqual([]);
    expect(await examine([], () => Promise.reject(new Error('nobody to ask')))).toEqual([]);
  });

  it('warns of those that cannot be asked and of keys that no algorithm fits, each asked once', async () => {
    const asked: string[] = [];
    const ask: AskIssuer = ({ issuer, algorithms }) => {
      asked.push(issuer);
      return Promise.resolve(algorithms.includes('EdDSA') ? ok(0) : err('the metadata of the issuer cannot be read (ENOTFOUND)'));
    };
    expect(await examine([entry, { ...entry, subjects: ['other'] }, { ...entry, algorithms: ['EdDSA'] }], ask)).toEqual(['warning issuer-no-keys', 'warning issuer-keys-unfit']);
    expect(asked).toHaveLength(2);
  });

  it('asks over the network, and tells of plain http', async () => {
    const issuer = await startPlatform('ES256');
    expect(await examine([{ ...entry, issuer }], askIssuer)).toEqual(['info issuer-on-this-machine']);
    expect(await examine([{ ...entry, issuer, algorithms: ['RS256'] }], askIssuer)).toEqual(['warning issuer-keys-unfit', 'info issuer-on-this-machine']);
    expect(await examine([{ ...entry, issuer: 'http://127.0.0.1:1' }], askIssuer)).toEqual(['warning issuer-no-keys', 'info issuer-on-this-machine']);
  });

  it('does so as a command', async () => {
    const fake = createFakeProcess(['doctor', '--config', 'config.yaml', '--json'], {});
    writeFileSync(join(fake.cwd, 'config.yaml'), JSON.stringify({ 'data-dir': './data', 'auth-dir': './auth', port: 0, 'api-keys': ['kw_0123456789abcdefghijklmnopqrstuvwxyz'], identity: { 'trusted-issuers': [entry] } }), { mode: 0o600 });
    await runCli(fake, () => Promise.reject(new Error('the daemon must not start')), () => Promise.resolve(openAuditArchive), () => Promise.resolve(() => ok([])), () => Promise.resolve(() => Promise.resolve(err('nothing is there'))));
    expect(fake.out()).toContain('"code":"issuer-no-keys","message":"Trusted issuer https://id.example.com: nothing is there."');
  });
});
