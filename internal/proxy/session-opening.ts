import { endOfValue, type ValueRange } from '../dialect/json-scan.ts';
import { memberOf, parseJson, textOf } from '../dialect/ir/json.ts';

/** Whoever speaks before the model first does, instructions aside: agents put the time of day into those. */
const openers: ReadonlySet<unknown> = new Set([undefined, 'user']);
const skipped: ReadonlySet<unknown> = new Set(['system', 'developer']);

const maxOpeners = 16;
const maxParsedBytes = 1_048_576;

/**
 * What a conversation begins with: the user's texts before the model's first turn, which every later request of the
 * conversation repeats, whatever cache marks it has meanwhile. Undefined where it begins otherwise. Only these items are
 * parsed.
 */
export function openingOf(body: Uint8Array, { start, end }: ValueRange): string | undefined {
  if (body[start] === 0x22) return sliceOf(body, start, end);
  if (body[start] !== 0x5b) return undefined;
  const texts: string[] = [];
  let at = start + 1;
  for (let items = 0; items < maxOpeners; items++) {
    const first = firstOfItem(body, at, end);
    if (first === undefined) break;
    const last = endOfValue(body, first);
    if (last < 0) break;
    at = last;
    const item = sliceOf(body, first, last);
    if (last - first > maxParsedBytes) {
      // A picture or a file: its bytes say it as well.
      texts.push(item);
      break;
    }
    const message = parseJson(item);
    const role = memberOf(message, 'role');
    if (skipped.has(role)) continue;
    if (!openers.has(role) || isOfModel(message)) break;
    const told = tellText(message);
    texts.push(told === '' ? item : told);
  }
  return texts.length === 0 ? undefined : texts.join('\n');
}

/** Responses items without a role that are none of the user's: calls, results, reasoning. */
function isOfModel(message: unknown): boolean {
  const type = textOf(memberOf(message, 'type'));
  return memberOf(message, 'role') === undefined && type !== undefined && type !== 'message';
}

/** The texts of a message in any dialect's form. */
function tellText(message: unknown): string {
  const content = memberOf(message, 'content') ?? memberOf(message, 'parts');
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: unknown) => textOf(memberOf(part, 'text')) ?? '').join('\n').trim();
}

/** Where the next item begins; undefined at the end of the list. */
function firstOfItem(body: Uint8Array, from: number, end: number): number | undefined {
  for (let at = from; at < end; at++) {
    const byte = body[at];
    if (byte === 0x5d) return undefined;
    if (byte !== 0x2c && byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
  }
  return undefined;
}

function sliceOf(body: Uint8Array, start: number, end: number): string {
  return Buffer.from(body.buffer, body.byteOffset + start, end - start).toString('utf8');
}
