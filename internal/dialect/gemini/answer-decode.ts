import type { Party } from '../codec.ts';
import type { IrAnswer } from '../ir/answer.ts';
import { createCollector } from '../ir/collect.ts';
import { isRecord, listOf, type JsonRecord } from '../ir/json.ts';
import { reasonOf } from './finish.ts';
import { createResponseDecoder } from './stream-decode.ts';

/** A whole answer, read by the rules of streams. `TypeError` for what has neither candidates nor a reason for having none. */
export function decodeAnswer(body: unknown, source: Party): IrAnswer {
  if (!isRecord(body)) throw new TypeError('The answer is no object.');
  const decoder = createResponseDecoder(source);
  const collector = createCollector();
  for (const event of [...decoder.push(withReasons(body)), ...decoder.end()]) collector.push(event);
  const result = collector.result();
  if (result?.ok !== true) throw new TypeError('The answer has no candidates.');
  return result.answer;
}

/** What came whole has come to its end, also where it does not say so. */
function withReasons(body: JsonRecord): JsonRecord {
  const candidates = listOf(body['candidates']).map((candidate) => (isRecord(candidate) && reasonOf(candidate['finishReason']) === undefined ? { ...candidate, finishReason: 'STOP' } : candidate));
  return candidates.length === 0 ? body : { ...body, candidates };
}
