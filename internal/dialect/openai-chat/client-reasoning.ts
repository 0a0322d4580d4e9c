import { compact, isRecord, listOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Signature, ThinkingPart } from '../ir/parts.ts';
import { readSignature, tagPrefix, tagSignature } from '../ir/signatures.ts';

/*
 * Reasoning between Keyward and a client: its text in `reasoning_content`, its signatures in `reasoning_details`, which
 * clients send back unread. One text may hold several signed parts, so that each signature says which of it it signs:
 * `<tag>.<start>-<end>`, in UTF-16 units.
 */

/** A stretch of `reasoning_content` that ends, with its signature. */
export interface SignedStretch {
  readonly signature: Signature;
  readonly id: string | undefined;
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

/** An entry of `reasoning_details`; `index` is what accumulators merge by. */
export function writeSignedDetail({ signature, id, index, start, end }: SignedStretch): JsonRecord {
  const tag = tagSignature(signature);
  return compact({ type: 'reasoning.encrypted', id, data: end > start ? `${tag}.${start}-${end}` : tag, index });
}

/** What an assistant message brings back. A signature whose text is not there as it was given is left out. */
export function readReasoning(message: JsonRecord): readonly ThinkingPart[] {
  const details = listOf(message['reasoning_details']).filter(isRecord);
  const text = textOf(message['reasoning_content']) ?? textOf(message['reasoning']) ?? detailsText(details);
  const parts: ThinkingPart[] = [];
  let at = 0;
  for (const detail of details) {
    const signed = readSignedDetail(detail);
    if (signed === undefined) continue;
    const { signature, id, start = at, end = at } = signed;
    if (start < at || end < start || end > text.length) continue;
    if (start > at) parts.push({ kind: 'thinking', text: text.slice(at, start) });
    parts.push({ kind: 'thinking', text: text.slice(start, end), signature, id });
    at = end;
  }
  if (at < text.length) parts.push({ kind: 'thinking', text: text.slice(at) });
  return parts;
}

/** The text that the entries themselves hold, as OpenRouter writes it. */
export function detailsText(details: readonly JsonRecord[]): string {
  return details.map((detail) => textOf(detail['text']) ?? textOf(detail['summary']) ?? '').join('');
}

interface SignedDetail {
  readonly signature: Signature;
  readonly id: string | undefined;
  /** Both undefined where it signs no text. */
  readonly start: number | undefined;
  readonly end: number | undefined;
}

/** Only what Keyward tagged: whose an untagged signature is cannot be known. */
function readSignedDetail(detail: JsonRecord): SignedDetail | undefined {
  const data = textOf(detail['data']);
  if (data === undefined || !data.startsWith(tagPrefix)) return undefined;
  const [, tag = data, start, end] = /^(.*)\.(\d+)-(\d+)$/s.exec(data) ?? [];
  const signature = readSignature(tag, '');
  if (signature.vendor === '') return undefined;
  return { signature, id: textOf(detail['id']), start: start === undefined ? undefined : Number(start), end: end === undefined ? undefined : Number(end) };
}
