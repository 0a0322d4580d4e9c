import type { AnswerContext } from '../codec.ts';
import type { MediaOutputPart } from '../ir/answer.ts';
import type { JsonRecord } from '../ir/json.ts';
import { messageItem, pictureItem, textContent } from './output-items.ts';

/** A picture is an item; sound has no place in an answer, what it says has. */
export function mediaItems(part: MediaOutputPart, context: AnswerContext): readonly JsonRecord[] {
  if (part.mime.startsWith('image/')) return [pictureItem(part, context)];
  return part.transcript === undefined ? [] : [messageItem(context.newId('msg_'), [textContent(part.transcript, [], [])], 'completed')];
}
