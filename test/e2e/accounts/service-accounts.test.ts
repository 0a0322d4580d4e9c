import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GoogleGenAI } from '@google/genai';
import { importSPKI, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesBelow } from '../../conformance/canary/canaries.ts';
import { readExample, runShell } from '../../conformance/seed-page/examples.ts';
import { ask, memberOf } from '../../support/ask.ts';
import { configHead, makeFolder, runKeyward, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { findProgram } from '../../support/find-program.ts';
import { bearerOf, simulatedText, startSimulatedGate, type SimulatedGate } from '../../support/simulated-gate.ts';
import { startGoogle, type SimulatedGoogle } from '../../support/simulated-logins/google.ts';
import { until } from '../../support/until.ts';

const keys = generateKeyPairSync('rsa', { modulusLength: 2_048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
const keyFile = (project: string): object => ({ type: 'service_account', project_id: project, private_key_id: 'key-1', private_key: keys.privateKey, client_email: `robot@${project}.iam.gserviceaccount.com`, token_uri: 'https://oauth2.googleapis.com/token' });
const secret = 'your-management-secret';

let google: SimulatedGoogle;
let gate: SimulatedGate;
let folder: string;
let daemon: RunningDaemon | undefined;

const config = (): string => `api-keys: ["your-api-key-1"]
remote-management: { secret-key: "${secret}" }
debug: true
oauth: ${JSON.stringify({ vertex: { 'token-url': `${google.url}/token`, 'base-url': gate.url } })}
`;

beforeEach(async () => {
  [google, gate] = await Promise.all([startGoogle(), startSimulatedGate()]);
  folder = makeFolder();
  writeFileSync(join(folder, 'config.yaml'), `${configHead}${config()}`, { mode: 0o600 });
});
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
  await google.close();
  await gate.close();
  rmSync(folder, { recursive: true, force: true });
});

async function generate(model: string): Promise<string> {
  const client = new GoogleGenAI({ apiKey: 'your-api-key-1', httpOptions: { baseUrl: daemon?.url ?? '' } });
  return (await client.models.generateContent({ model, contents: 'hi' })).text ?? '';
}

describe('a service account of Google Cloud', () => {
  it('imported on the terminal without a daemon, with region and prefix, serves there once one runs', async () => {
    writeFileSync(join(folder, 'key.json'), JSON.stringify(keyFile('proj-a')), { mode: 0o600 });
    const imported = runKeyward(folder, ['accounts', 'import', 'vertex', 'key.json', '--location', 'europe-west4', '--prefix', 'eu', '--config', join(folder, 'config.yaml')]);
    expect({ status: imported.status, stderr: imported.stderr }).toEqual({ status: 0, stderr: '' });
    expect(statSync(join(folder, 'auth', 'vertex-eu-proj-a.json')).mode & 0o777).toBe(0o600);
    daemon = await startDaemon({ folder });
    expect(await generate('eu/gemini-2.5-flash')).toBe(simulatedText);
    expect(gate.seen.at(-1)?.url).toBe('/v1/projects/proj-a/locations/europe-west4/publishers/google/models/gemini-2.5-flash:generateContent');
  });

  it('is asked for tokens ahead of their end; requests never wait, and neither key nor token is in the log or on disk', async () => {
    google.setLifetime(2);
    daemon = await startDaemon({ folder });
    expect((await ask(daemon.url, '/v0/management/auth-files?name=sa.json&channel=vertex', { key: secret, json: keyFile('proj-b') })).status).toBe(200);
    await until('three tokens were used', async () => {
      expect(await generate('gemini-2.5-flash')).toBe(simulatedText);
      return new Set(gate.seen.map(({ headers }) => bearerOf(headers))).size >= 3;
    }, 10_000);
    const assertions = google.assertions();
    expect(assertions.length).toBeLessThanOrEqual(5);
    const { payload } = await jwtVerify(assertions.at(-1) ?? '', await importSPKI(keys.publicKey, 'RS256'));
    expect(payload).toMatchObject({ iss: 'robot@proj-b.iam.gserviceaccount.com', aud: `${google.url}/token` });
    await daemon.stop();
    const hidden = [...google.book.secrets(), ...assertions];
    for (const { path, bytes } of filesBelow(folder)) expect([path, hidden.filter((each) => bytes.includes(each))]).toEqual([path, []]);
    expect([...hidden, keys.privateKey.slice(40, 90)].filter((each) => daemon?.output().includes(each))).toEqual([]);
  });

  it('whose key Google refuses is told as such to who asks for the status, and to nobody else', async () => {
    // An endpoint that refuses whatever comes.
    writeFileSync(join(folder, 'config.yaml'), `${configHead}${config().replace('/token"', '/revoke"')}`);
    daemon = await startDaemon({ folder });
    const { url } = daemon;
    const form = new FormData();
    form.append('file', new File([JSON.stringify(keyFile('proj-c'))], 'key.json'));
    form.append('location', 'us-east5');
    const encoded = new Response(form);
    const imported = await ask(url, '/v0/management/vertex/import', { key: secret, body: Buffer.from(await encoded.arrayBuffer()), headers: { 'content-type': encoded.headers.get('content-type') ?? '' } });
    expect([imported.status, imported.json]).toMatchObject([200, { status: 'ok', project_id: 'proj-c', location: 'us-east5' }]);
    const answer = await ask(url, '/v1beta/models/gemini-2.5-flash:generateContent', { key: 'your-api-key-1', json: { contents: [] } });
    expect([answer.status, answer.text.includes('account_unavailable'), answer.text.includes('invalid_token'), answer.text.includes('proj-c')]).toEqual([503, true, false, false]);
    const status = await ask(url, '/v0/management/status', { key: secret });
    expect(memberOf(status.json, 'accounts')).toMatchObject([{ provider: 'vertex', login: expect.stringMatching(/ready|refreshing/) }]);
    await until('the status tells of it', async () => (await ask(url, '/v0/management/status', { key: secret })).text.includes('"failure":"the token endpoint refused: invalid_token"'));
    expect((await ask(url, '/v0/management/auth-files', { key: secret })).text).toContain('it could not be refreshed and is tried again');
  });

  if (findProgram('curl') === undefined) {
    it('this machine has no curl to run the page’s command with', () => {
      expect(findProgram('curl')).toBeUndefined();
    });
  } else {
    it('uploaded by the page’s own command, signs for a Bearer token and serves under the prefix at its project', async () => {
      daemon = await startDaemon({ folder });
      writeFileSync(join(folder, 'auth.json'), JSON.stringify(keyFile('my-project')), { mode: 0o600 });
      const ran = await runShell(readExample('auth-files-upload.sh', daemon.port), folder);
      expect(JSON.parse(ran.stdout)).toEqual({ status: 'ok', name: 'vertex-prod-my-project.json' });
      expect(await generate('prod/gemini-2.5-flash')).toBe(simulatedText);
      expect([gate.seen.at(-1)?.url, bearerOf(gate.seen.at(-1)?.headers ?? {})]).toEqual(['/v1/projects/my-project/locations/us-central1/publishers/google/models/gemini-2.5-flash:generateContent', expect.stringMatching(/^ya29-/)]);
      expect(google.book.secrets()).toContain(bearerOf(gate.seen.at(-1)?.headers ?? {}));
      expect(readFileSync(join(folder, 'auth', 'vertex-prod-my-project.json'), 'utf8')).not.toContain('ya29-');
    });
  }
});
