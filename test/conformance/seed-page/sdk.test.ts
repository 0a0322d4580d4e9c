import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { findProgram } from '../../support/find-program.ts';
import type { ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { makeExampleFolder, readExample, run, runScript } from './examples.ts';
import { pageConfig, startUpstream } from './upstream.ts';

let upstream: ScriptedUpstream;
let daemon: RunningDaemon;
let folder: string;

beforeAll(async () => {
  upstream = await startUpstream();
  daemon = await startDaemon({ config: pageConfig(upstream.url) });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
});
beforeEach(() => {
  folder = makeExampleFolder();
  return () => rmSync(folder, { recursive: true });
});

const sent = { model: 'gemini-2.5-flash', messages: [{ role: 'user', content: 'Hello!' }] };
const lastSent = (): unknown => JSON.parse(upstream.seen.at(-1)?.body.toString() ?? '');

describe('the JavaScript example of the page, as printed', () => {
  it('gets an answer with the real openai package', async () => {
    const ran = await runScript(readExample('chat.js.txt', daemon.port), folder, { after: 'console.log(response.choices[0].message.content);' });
    expect(ran).toEqual({ status: 0, stdout: 'Hello.\n', stderr: '' });
    expect(lastSent()).toEqual(sent);
  });

  it('raises an AuthenticationError "invalid password" with a key that is not configured', async () => {
    const script = readExample('chat.js.txt', daemon.port).replace('your-api-key-1', 'your-api-key-4');
    const ran = await runScript(script, folder, { before: "process.on('uncaughtException', (error) => console.log(error.constructor.name, error.status, error.message));", after: '' });
    expect(ran.stdout).toBe('AuthenticationError 401 401 invalid password\n');
  });
});

/** A Python that has the openai package: the one named by the environment, else the machine's own. */
function findPython(): string | undefined {
  const named = process.env['KEYWARD_TEST_PYTHON'] ?? '';
  if (named !== '') return named;
  const own = findProgram('python3');
  return own !== undefined && canImportOpenai(own) ? own : undefined;
}

function canImportOpenai(python: string): boolean {
  return spawnSync(python, ['-c', 'import openai']).status === 0;
}

const python = findPython();

describe('the Python example of the page, as printed', () => {
  if (python === undefined) {
    it('this machine has no Python with the openai package to run it with', () => {
      const own = findProgram('python3');
      expect(own === undefined || !canImportOpenai(own)).toBe(true);
    });
    return;
  }

  it('gets an answer with the real openai package', async () => {
    const file = join(folder, 'example.py');
    writeFileSync(file, `${readExample('chat.py', daemon.port)}\nprint(response.choices[0].message.content)\n`);
    expect(existsSync(python)).toBe(true);
    const ran = await run(python, [file], folder);
    expect(ran).toEqual({ status: 0, stdout: 'Hello.\n', stderr: '' });
    expect(lastSent()).toEqual(sent);
  });

  it('raises an AuthenticationError with a key that is not configured', async () => {
    const file = join(folder, 'example.py');
    writeFileSync(file, readExample('chat.py', daemon.port).replace('your-api-key-1', 'your-api-key-4'));
    const ran = await run(python, [file], folder);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/openai\.AuthenticationError: Error code: 401 .*invalid password/);
  });
});

/** Status and body of a refused upgrade; `open` when it was taken. */
function openSocket(headers: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://localhost:${daemon.port}/v1/responses`, { headers });
    socket.on('open', () => resolve('open'));
    socket.on('error', reject);
    socket.on('unexpected-response', (_, res) => {
      let text = '';
      res.on('data', (chunk: Buffer) => (text += chunk.toString()));
      res.on('end', () => resolve(`${res.statusCode} ${text}`));
    });
  });
}

describe('when ws-auth: true, WebSocket connections must include the API key in the request', () => {
  it('without the key, or with a wrong one, the upgrade is a real 401', async () => {
    expect(await openSocket({})).toBe('401 {"error":{"message":"invalid password","type":"authentication_error","code":"missing_api_key"}}');
    expect(await openSocket({ Authorization: 'Bearer wrong' })).toMatch(/^401 .*"invalid_api_key"/);
  });

  it('the printed example, with its key, is let in and gets an answer', async () => {
    const request = JSON.stringify({ type: 'response.create', model: 'gemini-2.5-flash', input: 'Hello!' });
    const after = `ws.on('open', () => ws.send('${request}')); ws.on('message', (frame) => { const { type, response } = JSON.parse(frame); if (type === 'response.completed') { console.log(response.output[0].content[0].text); ws.close(); } });`;
    const ran = await runScript(readExample('websocket.js.txt', daemon.port), folder, { before: "import WebSocket from 'ws';", after });
    expect(ran).toEqual({ status: 0, stdout: 'Hello.\n', stderr: '' });
  });
});
