import type { Party } from '../codec.ts';
import type { AnswerPart, IrAnswer } from '../ir/answer.ts';
import { isRecord, listOf, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Signature } from '../ir/parts.ts';
import { readCitations } from './citations.ts';
import { readFinish, readRefusal } from './finish.ts';
import { jsonToolName } from './json-tool.ts';
import { markRedacted } from './redacted.ts';
import { readTier, readUsage, toUsage } from './usage.ts';

/** A whole message. `TypeError` for what is none. */
export function decodeAnswer(body: unknown, source: Party): IrAnswer {
  if (!isRecord(body) || !Array.isArray(body['content'])) throw new TypeError('the upstream answered with no message');
  const parts = body['content'].flatMap((block: unknown) => decodeBlock(block, source));
  const usage = readUsage(body['usage']);
  const refusal = readRefusal(body['stop_details']);
  const rawFinish = textOf(body['stop_reason']);
  const isJsonAnswer = listOf(body['content']).some((block) => isJsonCall(block));
  const hasCalls = parts.some(({ kind }) => kind === 'tool_call');
  const stated = rawFinish === undefined ? (hasCalls ? 'tool_calls' : 'stop') : readFinish(rawFinish);
  return {
    id: textOf(body['id']),
    model: textOf(body['model']),
    choices: [{ index: 0, parts: refusal === undefined ? parts : [...parts, { kind: 'refusal', text: refusal }], finish: isJsonAnswer && !hasCalls && stated === 'tool_calls' ? 'stop' : stated, rawFinish, stopSequence: textOf(body['stop_sequence']) }],
    usage: usage === undefined ? undefined : toUsage(usage),
    serviceTier: readTier(body['usage']),
  };
}

function isJsonCall(block: unknown): boolean {
  return memberOf(block, 'type') === 'tool_use' && memberOf(block, 'name') === jsonToolName;
}

function decodeBlock(block: unknown, source: Party): readonly AnswerPart[] {
  if (!isRecord(block)) return [];
  switch (block['type']) {
    case 'text': {
      const text = textOf(block['text']) ?? '';
      return [{ kind: 'text', text, annotations: readCitations(block['citations'], text.length) }];
    }
    case 'thinking':
      return [{ kind: 'thinking', text: textOf(block['thinking']) ?? '', signature: signatureOf(block['signature'], source) }];
    case 'redacted_thinking':
      return [{ kind: 'thinking', text: '', signature: redactedOf(block['data'], source) }];
    case 'tool_use':
      return [decodeCall(block)];
    default:
      return [{ kind: 'raw', dialect: 'anthropic-messages', item: block }];
  }
}

function decodeCall(block: JsonRecord): AnswerPart {
  const input = JSON.stringify(block['input'] ?? {});
  if (isJsonCall(block)) return { kind: 'text', text: input };
  return { kind: 'tool_call', id: textOf(block['id']) ?? '', name: textOf(block['name']) ?? '', input };
}

/** An unsigned block of a server that imitates the API carries a tag without a value, so that it finds its way back to it. */
export function signatureOf(value: unknown, { vendor, account }: Party): Signature {
  return { vendor, account, value: textOf(value) ?? '' };
}

export function redactedOf(data: unknown, { vendor, account }: Party): Signature {
  return { vendor, account, value: markRedacted(textOf(data) ?? '') };
}
