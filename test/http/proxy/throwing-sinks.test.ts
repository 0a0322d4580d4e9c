import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anonymous } from '../../../internal/clients/principal.ts';
import type { AnswerSink } from '../../../internal/proxy/answer-sink.ts';
import { attempt, type AttemptEnd } from '../../../internal/proxy/attempt.ts';
import { noKeepAlive } from '../../../internal/proxy/keep-alive.ts';
import { createRunningExchanges } from '../../../internal/proxy/running.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

let upstream: ScriptedUpstream;
let agent: Agent;
beforeEach(async () => {
  upstream = await startScriptedUpstream((_, res) => res.destroy());
  agent = new Agent();
});
afterEach(async () => {
  await agent.destroy();
  await upstream.close();
});

const fail = (): never => {
  throw new RangeError('Maximum call stack size exceeded');
};
const quiet: AnswerSink = { isWhole: false, write: () => true, end: () => undefined, breakOff: () => undefined, hasStarted: () => false, failure: () => undefined, isOver: () => false };

/** What becomes of an attempt whose answer goes to a sink that does what a sink must not, and of the client's connection. */
async function attemptWith(sink: Partial<AnswerSink>, script: (res: ServerResponse) => void): Promise<{ readonly end: AttemptEnd; readonly isCut: boolean }> {
  upstream.setScript((_, res) => script(res));
  const events = new EventEmitter();
  let isCut = false;
  const res = { headersSent: false, destroyed: false, socket: { destroySoon: () => void (isCut = true) }, writeHead: () => undefined, write: () => true, end: () => undefined, once: events.once.bind(events), on: events.on.bind(events), off: events.off.bind(events) };
  const end = await attempt(
    {
      upstream: { dispatcher: agent, origin: upstream.url, basePath: '', fixedHeaders: [], fixedNames: new Set(), secrets: [] },
      method: 'POST',
      path: '/',
      headers: [],
      body: Buffer.from('{}'),
      headersTimeoutMs: 5_000,
      idleTimeoutMs: 5_000,
      dialect: 'openai-chat',
      isStream: true,
      isBinary: false,
      envelope: undefined,
      secrets: [],
      hasOwnRates: false,
    answerHeaders: [],
      onFirstByte: () => undefined,
      clock: createManualClock(),
      keepAlive: noKeepAlive,
      running: createRunningExchanges().begin(anonymous),
      translation: { openSink: () => ({ ...quiet, ...sink }), translateRefusal: (_, body) => body },
      log: { requestChunk: () => undefined, attempt: () => undefined, responseHead: () => undefined, responseChunk: () => undefined },
    },
    res,
  );
  return { end, isCut };
}

describe.each([['as it is', {}, (text: string) => Buffer.from(text)], ['coded', { 'content-encoding': 'gzip' }, gzipSync]] as const)('a sink that throws at an answer that comes %s', (_, coding, encode) => {
  const begin = (res: ServerResponse): void => {
    res.writeHead(200, { 'content-type': 'text/event-stream', ...coding });
    res.write(encode('data: {}\n\n'));
  };

  it('while it is written to ends the attempt alone, and the upstream is left', async () => {
    const { end } = await attemptWith({ write: fail }, begin);
    expect(end).toMatchObject({ kind: 'broken', cause: expect.any(RangeError) });
    await until('the upstream to be left', () => upstream.left.length === 1);
  });

  it('at the end does the same', async () => {
    const { end } = await attemptWith({ end: fail }, (res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream', ...coding });
      res.end(encode('data: {}\n\n'));
    });
    expect(end).toMatchObject({ kind: 'broken', cause: expect.any(RangeError) });
  });

  it('and then again when it is to break off cuts what the client has got', async () => {
    const { end, isCut } = await attemptWith({ write: fail, breakOff: fail, hasStarted: () => true }, begin);
    expect(end).toMatchObject({ kind: 'answered', summary: { isTruncated: true } });
    expect(isCut).toBe(true);
  });
});

describe('a sink that is over', () => {
  it('is ended at once, and the upstream is left', async () => {
    const summary = { usage: undefined, storedIds: [], response: undefined, isTruncated: false, hasFailed: true, contentBytes: 1, eventCount: 0 };
    const { end } = await attemptWith({ isOver: () => true, end: () => summary }, (res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write('data: {}\n\n');
    });
    expect(end).toEqual({ kind: 'answered', status: 200, summary });
    await until('the upstream to be left', () => upstream.left.length === 1);
  });
});
