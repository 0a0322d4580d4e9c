import { array, assert, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerParser } from '../../../bench/load/answer-parser.ts';

interface Seen {
  status: number;
  body: string;
  ends: number;
}

function parseIn(pieces: readonly Buffer[]): Seen {
  const seen: Seen = { status: 0, body: '', ends: 0 };
  const parser = new AnswerParser();
  parser.begin({
    onHead: (status) => {
      seen.status = status;
    },
    onBody: (chunk) => {
      seen.body += chunk.toString('latin1');
    },
    onEnd: () => {
      seen.ends += 1;
    },
  });
  for (const piece of pieces) parser.push(piece);
  return seen;
}

function cut(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

const places = array(nat({ max: 2_000 }), { maxLength: 12 });

describe('the load client reads an answer the same wherever its bytes are cut', () => {
  it('with a length', () => {
    const bytes = Buffer.from('HTTP/1.1 201 Created\r\ncontent-length: 12\r\n\r\nhello\r\n\r\nyou');
    assert(property(places, (cuts) => {
      expect(parseIn(cut(bytes, cuts))).toEqual({ status: 201, body: 'hello\r\n\r\nyou', ends: 1 });
    }));
  });

  it('in chunks, after an interim answer', () => {
    const bytes = Buffer.from('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab\r\nc\r\nA;x=1\r\n0123456789\r\n0\r\nx-trailer: 1\r\n\r\n');
    assert(property(places, (cuts) => {
      expect(parseIn(cut(bytes, cuts))).toEqual({ status: 200, body: 'ab\r\nc0123456789', ends: 1 });
    }));
  });
});

describe('the load client refuses', () => {
  it.each([
    ['an answer without framing', 'HTTP/1.1 200 OK\r\n\r\nbody'],
    ['bytes after the end', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab'],
    ['a chunk size that is no number', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ])('%s', (_, text) => {
    expect(() => parseIn([Buffer.from(text)])).toThrow();
  });
});
