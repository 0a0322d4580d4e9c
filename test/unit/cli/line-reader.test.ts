import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { openLines, type LineReader } from '../../../internal/cli/line-reader.ts';

interface Opened {
  readonly input: PassThrough;
  readonly reader: LineReader;
  readonly interrupts: () => number;
}

function open(isHidden: boolean): Opened {
  const input = new PassThrough();
  let interrupts = 0;
  return { input, reader: openLines(input, { isHidden, interrupt: () => void interrupts++ }), interrupts: () => interrupts };
}

describe.each([
  ['a pipe', false],
  ['a terminal that shows nothing', true],
])('lines of %s', (_what, isHidden) => {
  it('come one by one, those that nobody waited for included', async () => {
    const { input, reader } = open(isHidden);
    const first = reader.next();
    input.write('one\ntwo\nthr');
    expect(await first).toBe('one');
    input.write('ee\n');
    expect([await reader.next(), await reader.next()]).toEqual(['two', 'three']);
  });

  it('may be longer than a terminal’s own line mode takes', async () => {
    const { input, reader } = open(isHidden);
    const long = 'x'.repeat(10_000);
    input.write(`${long}\n`);
    expect(await reader.next()).toBe(long);
  });

  it('end with the input, and with a reader that is closed', async () => {
    const ended = open(isHidden);
    ended.input.end('last\n');
    expect([await ended.reader.next(), await ended.reader.next(), await ended.reader.next()]).toEqual(['last', undefined, undefined]);
    const closed = open(isHidden);
    const waiting = closed.reader.next();
    closed.reader.close();
    expect([await waiting, await closed.reader.next()]).toEqual([undefined, undefined]);
  });
});

describe('a terminal that shows nothing', () => {
  it('passes Ctrl-C on, since raw mode makes no signal of it', async () => {
    const { input, reader, interrupts } = open(true);
    input.write('\u0003');
    input.write('after\n');
    expect(await reader.next()).toBe('after');
    expect(interrupts()).toBe(1);
  });
});
