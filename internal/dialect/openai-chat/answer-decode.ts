import type { Party } from '../codec.ts';
import type { IrAnswer } from '../ir/answer.ts';
import { createCollector } from '../ir/collect.ts';
import { isRecord, listOf, numberOf } from '../ir/json.ts';
import { readSources, readUsage } from './answer-members.ts';
import { createChoiceDecoder } from './choice-decode.ts';
import { answerKey, readStart } from './stream-decode.ts';

/** A whole `chat.completion`, read by the rules of streams. `TypeError` for what has no choices. */
export function decodeAnswer(body: unknown, source: Party): IrAnswer {
  const choices = isRecord(body) ? listOf(body['choices']).filter(isRecord) : [];
  if (!isRecord(body) || choices.length === 0) throw new TypeError('The answer has no choices.');
  const collector = createCollector();
  const start = readStart(body);
  collector.push(start);
  for (const [position, choice] of choices.entries()) {
    const decoder = createChoiceDecoder(numberOf(choice['index']) ?? position, source, answerKey(start));
    for (const event of [...decoder.push(choice), ...decoder.finish('stop', readSources(body))]) collector.push(event);
  }
  const usage = readUsage(body);
  if (usage !== undefined) collector.push({ type: 'usage', usage });
  collector.push({ type: 'end' });
  const result = collector.result();
  if (result?.ok !== true) throw new TypeError('The answer did not come to its end.');
  return result.answer;
}
