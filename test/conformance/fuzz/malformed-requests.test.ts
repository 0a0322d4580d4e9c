import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asClient, asManager, clientKey, dialectCases, geminiArray, managementSecret, startFourDialects, type FourDialects } from '../../support/four-dialects.ts';
import { send } from '../../support/raw-http.ts';
import { answerJson, type Script } from '../../support/scripted-upstream.ts';
import { malformedRequest, toBrokenBytes, toBytes, type MalformedRequest } from './malformed.ts';
import { createRandom, type Random } from './random.ts';
import { converse } from './send-bytes.ts';

/** Set KEYWARD_FUZZ_SEED to try others, or to repeat one that failed. */
const seed = Number(process.env['KEYWARD_FUZZ_SEED'] ?? 20_261_124);
const limitMs = 15_000;
/** Answers of our own that are no failure: what no account offers, and too much at one time. */
const allowedCodes = ['dialect_not_served', 'overloaded'];

/** Always 200, whatever is asked; a 5xx is Keyward's own. */
const alwaysWell: Script = (seen, res) => {
  if (!seen.url.includes(':streamGenerateContent')) answerJson(res, 200, dialectCases.find(({ path }) => seen.url.startsWith(path))?.answer ?? { id: 'x' });
  else if (/alt=sse/.test(seen.url)) {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.end(dialectCases[3]?.events.join(''));
  } else {
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(geminiArray);
  }
};

let rig: FourDialects;
beforeAll(async () => {
  rig = await startFourDialects('max-body-mb: 1\nlog-level: warn\nopenai-compatibility: []\n');
  rig.upstream.setScript(alwaysWell);
});
afterAll(() => rig.stop());

const secrets = { clientKey, managementSecret };
const failures: string[] = [];
let judged = 0;
function judge(kind: string, index: number, status: number, body: string, shown: () => string): void {
  judged++;
  if (status < 500 || allowedCodes.some((code) => body.includes(`"${code}"`))) return;
  failures.push(`seed ${seed}, ${kind} ${index}: ${status} ${body.slice(0, 300)}\n${shown()}`);
}
const show = (bytes: Buffer): string => JSON.stringify(bytes.toString('latin1').slice(0, 600));

function overClient(agent: Agent, { method, target, headers, body, framing }: MalformedRequest): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve) => {
    const done = (status: number, text: string): void => {
      clearTimeout(timer);
      resolve({ status, body: text });
    };
    const timer = setTimeout(() => done(599, 'no answer in time'), limitMs);
    try {
      const flat = headers.filter(([name]) => !['connection', 'upgrade', 'expect', 'te'].includes(name)).flatMap(([name, value]) => [name, value]);
      const req = request({ port: rig.daemon.port, host: '127.0.0.1', agent, method, path: target, headers: [...flat, ...(framing === 'length' ? ['content-length', String(body.length)] : ['transfer-encoding', 'chunked'])] });
      req.on('response', (res) => {
        let text = '';
        res.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
        res.on('end', () => done(res.statusCode ?? 0, text));
        res.on('error', () => done(res.statusCode ?? 0, text));
      });
      req.on('error', () => done(0, ''));
      req.end(body);
    } catch {
      // What Node's client refuses to write goes over raw sockets in the next test.
      done(0, '');
    }
  });
}

/** Runs `work` for 0 … count-1, several at one time. */
async function forEach(count: number, width: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

async function metric(name: string): Promise<number> {
  const { body } = await send(rig.daemon.url, { path: '/metrics', headers: asManager });
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(body.toString())?.[1]);
}

/** Connections to the daemon's port that are not closed on its side; undefined where the system does not tell. */
function openSockets(): number | undefined {
  try {
    const port = rig.daemon.port.toString(16).toUpperCase().padStart(4, '0');
    const lines = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => readFileSync(path, 'utf8').split('\n'));
    // Column 2 is the local address, column 4 the state: 01 established, 08 close-wait.
    return lines.map((line) => line.trim().split(/\s+/)).filter(([, local, , state]) => local?.endsWith(`:${port}`) === true && (state === '01' || state === '08')).length;
  } catch {
    return undefined;
  }
}

async function expectWell(): Promise<void> {
  for (const { path, body } of dialectCases) expect((await send(rig.daemon.url, { method: 'POST', path, headers: asClient, body: JSON.stringify(body) })).status, path).toBe(200);
}

async function wellWritten(random: Random, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 24 });
  await forEach(count, 24, async (index) => {
    const asked = malformedRequest(random, secrets);
    const { status, body } = await overClient(agent, asked);
    judge('client request', index, status, body, () => JSON.stringify({ ...asked, body: asked.body.toString('latin1').slice(0, 300) }));
  });
  agent.destroy();
}

describe(`10,000 malformed requests (seed ${seed})`, () => {
  let memoryBefore = 0;

  it('what they leave behind is measured from a daemon that is warm', async () => {
    await wellWritten(createRandom(seed + 1), 1_000);
    memoryBefore = await metric('process_resident_memory_bytes');
    expect(memoryBefore).toBeGreaterThan(0);
  });

  it('6,000 well written but wrong requests over kept connections: no 5xx, no hang', async () => {
    await wellWritten(createRandom(seed), 6_000);
    expect(failures).toEqual([]);
  }, 60_000);

  it('2,000 pipelined in batches of ten: each is answered in its turn, and each batch ends', async () => {
    const random = createRandom(seed + 2);
    const before = judged;
    // With a right key, a plain target and type the body is read, so that the connection lives on to the next one.
    const admitted = (isLast: boolean): MalformedRequest => {
      const asked = malformedRequest(random, secrets);
      const kept = asked.headers.filter(([name]) => ['accept', 'x-request-id', 'cookie', 'idempotency-key'].includes(name) || (name === 'content-encoding' && random.chance(0.3)));
      return { ...asked, method: 'POST', target: random.pick(['/v1/chat/completions', '/v1/responses', '/v1/messages', '/v1/audio/transcriptions', '/v1beta/models/gemini-2.5-flash:generateContent'] as const), headers: [['host', 'localhost'], ['authorization', clientKey], ['content-type', 'application/json'], ...kept, ...(isLast ? [['connection', 'close'] as const] : [])] };
    };
    await forEach(200, 16, async (index) => {
      const batch = Buffer.concat(Array.from({ length: 10 }, (_, n) => toBytes(admitted(n === 9), random)));
      const { statuses, text, hasEnded } = await converse(rig.daemon.port, batch, random.int(batch.length), limitMs, false);
      if (!hasEnded) failures.push(`seed ${seed}, batch ${index} did not end: ${show(batch)}`);
      for (const status of statuses) judge('batch', index, status, text, () => show(batch));
    });
    expect(failures).toEqual([]);
    expect(judged - before).toBeGreaterThan(1_000);
  }, 60_000);

  it('3,000 that are no HTTP: each connection is closed in time, by an answer of 4xx at most', async () => {
    const random = createRandom(seed + 3);
    const before = judged;
    await forEach(3_000, 24, async (index) => {
      const bytes = toBrokenBytes(malformedRequest(random, secrets), random);
      const { statuses, text, hasEnded } = await converse(rig.daemon.port, bytes, random.int(bytes.length), limitMs);
      if (!hasEnded) failures.push(`seed ${seed}, raw ${index} did not end: ${show(bytes)}`);
      for (const status of statuses) judge('raw', index, status, text, () => show(bytes));
    });
    expect(failures).toEqual([]);
    expect(judged - before).toBeGreaterThan(2_000);
  }, 60_000);

  it('clients that leave at any moment leave nothing open', async () => {
    const random = createRandom(seed + 4);
    rig.upstream.setScript((seen, res) => setImmediate(() => alwaysWell(seen, res, res.req)));
    await forEach(300, 24, (index) => {
      const bytes = toBytes({ method: 'POST', target: '/v1/chat/completions', headers: [['host', 'localhost'], ['authorization', `Bearer ${clientKey}`], ['content-type', 'application/json']], body: Buffer.from(JSON.stringify({ model: 'gpt-4o', pad: 'x'.repeat(random.int(20_000)) })), framing: index % 2 === 0 ? 'length' : 'chunked' }, random);
      return new Promise<void>((resolve) => {
        const socket = connect(rig.daemon.port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
        socket.write(bytes.subarray(0, index % 3 === 0 ? bytes.length : random.int(bytes.length)), () => {
          if (random.chance(0.5)) socket.resetAndDestroy();
          else setImmediate(() => socket.destroy());
        });
      });
    });
    rig.upstream.setScript(alwaysWell);
  });

  it('afterwards it is as before: alive, no exchange and no socket open, no more memory, good requests served', async () => {
    expect(rig.daemon.process.exitCode).toBeNull();
    await expect.poll(async () => JSON.parse((await send(rig.daemon.url, { path: '/v0/management/status', headers: asManager })).body.toString()).open_exchanges, { timeout: 5_000 }).toBe(0);
    await expect.poll(() => openSockets() ?? 0, { timeout: 5_000 }).toBe(0);
    await expectWell();
    const grownBytes = (await metric('process_resident_memory_bytes')) - memoryBefore;
    expect(grownBytes / 1_048_576, 'MB grown').toBeLessThan(64);
    expect(/.{0,300}(?:failed inside Keyward|uncaught|unhandled).{0,300}/i.exec(rig.daemon.output())?.[0] ?? '').toBe('');
  });
});
