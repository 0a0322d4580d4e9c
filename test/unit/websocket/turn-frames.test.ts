import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../internal/fault/app-error.ts';
import { createEventCutter } from '../../../internal/websocket/event-cutter.ts';
import { createTurnFrames, type TurnFrames } from '../../../internal/websocket/turn-frames.ts';

function cut(pieces: readonly (string | Buffer)[]): readonly string[] {
  const found: string[] = [];
  const cutter = createEventCutter((data) => void found.push(data.toString('utf8')), () => void found.push('too long'));
  for (const piece of pieces) cutter.push(Buffer.from(piece));
  return found;
}

describe('cutting a stream into events', () => {
  it('gives the data of each, whatever stands around it', () => {
    expect(cut(['event: a\ndata: {"a":1}\n\n: comment\n\nid: 1\ndata:{"b":2}\n\nretry: 5\n\ndata: x\ndata: y\n\n'])).toEqual(['{"a":1}', '{"b":2}', 'x\ny']);
    expect(cut(['data: {"a":1}\r\n\r\ndata: 2\r\n\r\n'])).toEqual(['{"a":1}', '2']);
    expect(cut(['data\n\ndatabase: 1\n\n data: 1\n\n'])).toEqual([]);
    expect(cut(['data: unfinished\n'])).toEqual([]);
  });

  it.each([
    ['in one line', Buffer.concat([Buffer.from('data: '), Buffer.alloc(1_048_576, 'x')]), Buffer.alloc(1_048_576, 'x')],
    ['in many lines', 'data: a\n', `data: ${'x'.repeat(1_048_576)}\n`],
  ])('ends at an event that is too long, and gives nothing of it: %s', (_, beginning, piece) => {
    expect(cut(['data: 1\n\n', beginning, ...Array.from({ length: 66 }, () => piece), '\n\ndata: 2\n\n'])).toEqual(['1', 'too long']);
  });

  it('gives the same under any chunking, between the bytes of a letter too', () => {
    const line = fc.oneof(fc.constantFrom('data: {"x":"ä€😀"}', 'data:', 'event: e', ': c', '', 'data: '), fc.string().map((text) => `data: ${text.replaceAll(/[\r\n]/g, '')}`));
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\n', '\r\n'), fc.array(fc.nat(40)), (lines, ending, cuts) => {
        const bytes = Buffer.from(`${lines.join(ending)}${ending}${ending}`);
        const pieces: Buffer[] = [];
        let at = 0;
        for (const size of cuts) {
          pieces.push(bytes.subarray(at, at + size));
          at += size;
        }
        pieces.push(bytes.subarray(at));
        expect(cut(pieces)).toEqual(cut([bytes]));
      }),
    );
  });
});

function frames(streamId?: string): { readonly made: TurnFrames; readonly sent: string[]; readonly say: (data: string | Buffer) => void } {
  const sent: string[] = [];
  const made = createTurnFrames((frame) => void sent.push(frame.toString('utf8')), { streamId, requestId: 'req-1' });
  return { made, sent, say: (data) => made.event(Buffer.from(data)) };
}

describe('the frames of a turn', () => {
  it('are the events as they came, the stream’s id behind', () => {
    const plain = frames();
    plain.say('{ "type":"x", "n":1.0, "t":"\\u00e9ä" } ');
    expect(plain.sent).toEqual(['{ "type":"x", "n":1.0, "t":"\\u00e9ä" } ']);
    const laned = frames('main');
    laned.say('{ "type":"x", "n":{"a":"}"} } ');
    expect(laned.sent).toEqual(['{ "type":"x", "n":{"a":"}"} ,"stream_id":"main"}']);
  });

  it('are none for what is no event', () => {
    const { sent, say, made } = frames();
    for (const data of ['[DONE]', '', '{', '{}', '[]', '"type"', '{"type":"x"', '{"type":"x"}{}', '{"a":1}', 'null', '{"type":"x",}', Buffer.from([0x7b, 0x22, 0x74, 0x79, 0x70, 0x65, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d])]) say(data);
    expect([sent, made.end()]).toEqual([[], undefined]);
  });

  it('a text that speaks of an end is none', () => {
    const { say, made } = frames();
    say('{"type":"response.output_text.delta","delta":"\\"response.completed\\" and \\"error\\""}');
    say('{"type":"response.created","response":{"id":"r","metadata":{"a":"response.completed"},"error":null}}');
    expect(made.end()).toBeUndefined();
  });

  it('know the end: by the response, and by the items said before where that has none', () => {
    const stated = frames();
    stated.say('{"type":"response.completed","response":{"id":"r1","output":[{"type":"message"}]}}');
    expect(stated.made.end()).toEqual({ kind: 'finished', responseId: 'r1', output: [{ type: 'message' }] });
    const sparse = frames();
    for (const [index, type] of [[1, 'b'], [0, 'a']] as const) sparse.say(`{"type":"response.output_item.done","output_index":${index},"item":{"type":"${type}"}}`);
    sparse.say('{"type":"response.incomplete","response":{"id":"r2"}}');
    expect(sparse.made.end()).toEqual({ kind: 'finished', responseId: 'r2', output: [{ type: 'a' }, { type: 'b' }] });
  });

  it('know it wherever the type stands', () => {
    for (const data of ['{"type":"response.completed","response":{"id":"r","output":[]}}', '{ "type" : "response.completed","response":{"id":"r","output":[]}}', '{"response":{"id":"r","output":[]},"type":"response.completed"}']) {
      const { say, made } = frames();
      say(data);
      expect(made.end()).toMatchObject({ kind: 'finished', responseId: 'r' });
    }
  });

  it('a response that is finished stays so, whatever fails behind it', () => {
    const { say, made, sent } = frames();
    say('{"type":"response.completed","response":{"id":"r","output":[]}}');
    say('{"type":"response.output_text.delta","delta":"late"}');
    made.fault(new AppError('internal_error'));
    expect([made.end(), sent.length]).toEqual([{ kind: 'finished', responseId: 'r', output: [] }, 1]);
  });

  it.each([
    ['response.failed', '{"type":"response.failed","response":{"id":"r","output":[]}}'],
    ['a response without an id', '{"type":"response.completed","response":{}}'],
    ['an error', '{"type":"error","code":"c","message":"m"}'],
  ])('%s is an end that nothing goes on from', (_what, data) => {
    const { say, made, sent } = frames();
    say(data);
    expect(sent).toHaveLength(1);
    say('{"type":"response.completed","response":{"id":"late","output":[]}}');
    say('{"type":"error","code":"late","message":"late"}');
    say('{"type":"response.output_text.delta","delta":"late"}');
    made.fault(new AppError('internal_error'));
    made.refusal(500, new Map(), Buffer.from('{}'));
    made.whole(Buffer.from('{"id":"late","output":[]}'));
    expect(made.end()).toEqual({ kind: 'failed' });
    // A second end on a socket would be taken for the next turn's.
    expect(sent).toHaveLength(1);
  });

  it('say a fault of ours, a refusal and an answer in one piece in the form of the socket', () => {
    const said = (say: (made: TurnFrames) => void): readonly unknown[] => {
      const { made, sent } = frames('s');
      say(made);
      return sent.map((frame): unknown => JSON.parse(frame));
    };
    const all = [
      said(({ fault }) => fault(new AppError('stream_truncated'))),
      said(({ refusal }) => refusal(404, new Map(), Buffer.from('{"error":{"message":"m","type":"t","code":"c"}}'))),
      said(({ whole }) => whole(Buffer.from('no json'))),
      said(({ whole }) => whole(Buffer.from('{"id":"r","status":"incomplete","output":[{"type":"message"}]}'))),
    ];
    expect(all.flat()).toMatchObject([
      { type: 'error', status: 502, stream_id: 's', error: { code: 'stream_truncated' }, headers: { 'x-request-id': 'req-1' } },
      { type: 'error', status: 404, stream_id: 's', error: { code: 'c' } },
      { type: 'error', status: 502, stream_id: 's', error: { code: 'upstream_error' } },
      { type: 'response.created', response: { status: 'in_progress', output: [] }, stream_id: 's' },
      { type: 'response.output_item.done', output_index: 0 },
      { type: 'response.incomplete', response: { id: 'r', status: 'incomplete' } },
    ]);
  });
});
