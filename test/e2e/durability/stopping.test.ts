import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { json, send, type RawAnswer } from '../../support/raw-http.ts';
import { answerEvents, answerJson, chatCompletion, chatEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

const clientKey = 'sk-client-0123456789abcdef';
let upstream: ScriptedUpstream;
let daemon: RunningDaemon;
let finish: () => void;

beforeAll(async () => {
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, chatCompletion));
});
afterAll(() => upstream.close());
beforeEach(() => {
  finish = () => undefined;
  upstream.setScript((_, res) => {
    answerEvents(res, chatEvents.slice(0, 1), false);
    finish = () => {
      for (const event of chatEvents.slice(1)) res.write(event);
      res.end();
    };
  });
});
afterEach(() => daemon.stop());

async function startWith(more = ''): Promise<void> {
  daemon = await startDaemon({ config: `api-keys: ["${clientKey}"]\nopenai-compatibility:\n  - { name: up, base-url: "${upstream.url}/v1", models: [{ name: m }] }\n${more}` });
}

/** A stream that has begun and waits for `finish`. */
async function beginStream(): Promise<{ readonly whole: Promise<RawAnswer> }> {
  const seenBefore = upstream.seen.length;
  const headers = { authorization: `Bearer ${clientKey}`, 'content-type': 'application/json' };
  const whole = send(daemon.url, { method: 'POST', path: '/v1/chat/completions', headers, body: json({ model: 'm', stream: true }) });
  await until('the stream has begun', () => upstream.seen.length > seenBefore);
  return { whole };
}

/** The error code of a connection that is not taken; `connected` when it is. */
function tryConnection(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
  });
}

async function exitOf(running: RunningDaemon): Promise<number | null> {
  if (running.process.exitCode === null) await once(running.process, 'exit');
  return running.process.exitCode;
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('lets the running exchange finish, takes no new connection meanwhile, and exits 0', async () => {
    await startWith();
    const { whole } = await beginStream();
    daemon.process.kill(signal);
    await until('new connections are refused', async () => (await tryConnection(daemon.port)) === 'ECONNREFUSED');
    expect(daemon.process.exitCode).toBeNull();
    finish();
    const answer = await whole;
    expect([answer.status, answer.isComplete, answer.body.toString()]).toEqual([200, true, chatEvents.join('')]);
    expect(await exitOf(daemon)).toBe(0);
  });
});

describe('stopping', () => {
  it('an idle daemon exits 0 at once, kept-alive connections or not', async () => {
    await startWith();
    const idle = connect(daemon.port, '127.0.0.1');
    await once(idle, 'connect');
    idle.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(idle, 'data');
    const startedMs = performance.now();
    daemon.process.kill('SIGTERM');
    expect(await exitOf(daemon)).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    idle.destroy();
  });

  it('a connection that was opened in advance, and never used, holds nothing up', async () => {
    await startWith();
    const socket = connect(daemon.port, '127.0.0.1');
    await once(socket, 'connect');
    // Accepted for sure: a later connection is answered.
    await ask(daemon.url, '/healthz');
    daemon.process.kill('SIGTERM');
    await until('the daemon has ended', () => daemon.process.exitCode !== null, 5_000);
    expect(await exitOf(daemon)).toBe(0);
    socket.destroy();
  });

  it('an exchange that does not end is cut after shutdown-timeout, never passed off as whole, and the exit code is 0 all the same', async () => {
    await startWith('shutdown-timeout: 1s\n');
    const { whole } = await beginStream();
    const startedMs = performance.now();
    daemon.process.kill('SIGTERM');
    const answer = await whole;
    expect(performance.now() - startedMs).toBeGreaterThan(900);
    expect([answer.isComplete, answer.body.toString().includes('[DONE]')]).toEqual([false, false]);
    expect(await exitOf(daemon)).toBe(0);
  });

  it('a second signal does not wait for open exchanges', async () => {
    await startWith();
    const { whole } = await beginStream();
    daemon.process.kill('SIGTERM');
    await until('it stops', async () => (await tryConnection(daemon.port)) === 'ECONNREFUSED');
    daemon.process.kill('SIGTERM');
    expect(await exitOf(daemon)).toBe(0);
    expect((await whole).isComplete).toBe(false);
  });

  it('after a kill -9 the next start sweeps what was left and serves', async () => {
    await startWith();
    const { folder, port } = daemon;
    daemon.process.kill('SIGKILL');
    await once(daemon.process, 'exit');
    expect(await tryConnection(port)).toBe('ECONNREFUSED');
    const next = await startDaemon({ folder });
    expect((await ask(next.url, '/v1/models', { key: clientKey })).status).toBe(200);
    expect(await next.stop()).toBe(0);
  });
});
