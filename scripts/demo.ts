import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LLMock } from '@copilotkit/aimock';
import { AuthenticationError, OpenAI } from 'openai';
import { randomToken } from '../internal/secret/digest.ts';

/*
 * `npm run demo`: the real daemon, built, in front of a simulated upstream on this machine; three requests by the real
 * OpenAI SDK; then it stays until Ctrl-C. Nothing leaves the machine, and the folder it used is removed at the end.
 *   --once       end after the requests
 *   --port <n>   the daemon's port; 0 takes any free one (default 8317, or any free one when that is taken)
 */

const { values: flags } = parseArgs({ options: { once: { type: 'boolean', default: false }, port: { type: 'string' } } });
const binary = resolve(import.meta.dirname, '../dist/keyward.mjs');
const startLimitMs = 15_000;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const folder = mkdtempSync(join(tmpdir(), 'keyward-demo-'));
const clientKey = `kw_demo_${randomToken(12)}`;
const upstreamKey = `sk-upstream-${randomToken(12)}`;
const upstream = startUpstream(upstreamKey);
let daemon: ChildProcess | undefined;
try {
  await runDemo();
} finally {
  await stopDaemon();
  await upstream.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function runDemo(): Promise<void> {
  const upstreamUrl = await upstream.start();
  const port = await choosePort();
  const configPath = join(folder, 'config.yaml');
  writeFileSync(configPath, configText(port, `${upstreamUrl}/v1`), { mode: 0o600 });
  daemon = spawn(process.execPath, [binary, 'serve', '--config', configPath, '--log-level', 'warn'], { cwd: folder, env: { HOME: folder }, stdio: ['ignore', 'ignore', 'inherit'] });
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(daemon, url);

  say('Keyward demo');
  say('');
  say(`  your program  ──client key──▶  Keyward ${url}  ──upstream key──▶  simulated upstream ${upstreamUrl}`);
  say('');
  say(`  client key    ${clientKey}   (what programs are given; worthless anywhere else)`);
  say(`  upstream key  ${upstreamKey.slice(0, 11)}…        (stays in Keyward; no program sees it)`);

  await sendPlain(url);
  await sendStreamed(url);
  await sendRefused(url);
  if (flags.once) return;

  say('');
  say('The daemon is still running. Paste this into another terminal:');
  say('');
  say(`  curl -N ${url}/v1/chat/completions -H 'Authorization: Bearer ${clientKey}' -H 'Content-Type: application/json' \\`);
  say(`    -d '{"model":"demo-model","stream":true,"messages":[{"role":"user","content":"Hello!"}]}'`);
  say('');
  say(`  ${process.execPath} ${binary} status --config ${configPath}`);
  say('');
  say('Ctrl-C ends it and removes everything it wrote.');
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), once(daemon, 'exit')]);
  say('');
}

function startUpstream(key: string): LLMock {
  const mock = new LLMock({ port: 0, host: '127.0.0.1', latency: 40, chunkSize: 8, auth: { apiKeys: [key] } });
  return mock.onMessage(/.*/, { content: 'Hello! I am a simulated model, and I was asked with the upstream key, not with yours.' });
}

function configText(port: number, baseUrl: string): string {
  return `# Written by \`npm run demo\`.
port: ${port}
api-keys:
  - "${clientKey}"
remote-management:
  secret-key: "${randomToken(24)}"
auth-dir: "./auth"
data-dir: "./data"
openai-compatibility:
  - name: "demo"
    base-url: "${baseUrl}"
    api-key-entries:
      - api-key: "${upstreamKey}"
    models:
      - name: "demo-model"
`;
}

async function sendPlain(url: string): Promise<void> {
  say('\n1. A plain request with the client key');
  const started = performance.now();
  const answer = await client(url, clientKey).chat.completions.create({ model: 'demo-model', messages: [{ role: 'user', content: 'Hello!' }] });
  say(`   ✔ 200 after ${Math.round(performance.now() - started)} ms: “${answer.choices[0]?.message.content ?? ''}”`);
}

async function sendStreamed(url: string): Promise<void> {
  say('\n2. The same, streamed: the words arrive as the upstream says them');
  const stream = await client(url, clientKey).chat.completions.create({ model: 'demo-model', stream: true, messages: [{ role: 'user', content: 'Hello!' }] });
  let pieces = 0;
  process.stdout.write('   ✔ ');
  for await (const chunk of stream) {
    const text = chunk.choices[0]?.delta.content ?? '';
    if (text !== '') pieces += 1;
    process.stdout.write(text);
  }
  say(`\n     (${pieces} pieces)`);
}

async function sendRefused(url: string): Promise<void> {
  say('\n3. A request with a wrong key');
  try {
    await client(url, 'a-wrong-key').chat.completions.create({ model: 'demo-model', messages: [{ role: 'user', content: 'Hello!' }] });
  } catch (thrown) {
    if (!(thrown instanceof AuthenticationError)) throw thrown;
    say(`   ✔ refused with ${thrown.status} ${String(thrown.code)}; the upstream never heard of it`);
    return;
  }
  throw new Error('the wrong key was let in');
}

function client(url: string, apiKey: string): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
}

async function choosePort(): Promise<number> {
  if (flags.port !== undefined && flags.port !== '0') return Number(flags.port);
  if (flags.port === undefined && (await takePort(8317, '127.0.0.1')) !== undefined && (await takePort(8317, '::1')) !== undefined) return 8317;
  const free = await takePort(0, '127.0.0.1');
  if (free === undefined) throw new Error('no free port on 127.0.0.1');
  return free;
}

/** The port when it could be bound (it is let go again); undefined when it is taken. A missing IPv6 counts as free. */
function takePort(port: number, host: string): Promise<number | undefined> {
  return new Promise((settle) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => settle(error.code === 'EADDRINUSE' ? undefined : port));
    probe.listen(port, host, () => {
      const address = probe.address();
      probe.close(() => settle(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}

async function waitUntilReady(child: ChildProcess, url: string): Promise<void> {
  const deadline = performance.now() + startLimitMs;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the daemon ended with ${child.exitCode} before it was ready`);
    const status = await fetch(`${url}/readyz`).then((answer) => answer.status, () => 0);
    if (status === 200) return;
    await sleep(25);
  }
  throw new Error(`the daemon was not ready within ${startLimitMs / 1_000} s`);
}

async function stopDaemon(): Promise<void> {
  if (daemon === undefined || daemon.exitCode !== null) return;
  const ended = once(daemon, 'exit');
  daemon.kill('SIGTERM');
  await ended;
}
