import { isRecord, listOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';
import { detailsText } from './client-reasoning.ts';
import { valueOfForm, type ReasoningForm } from './upstream-reasoning.ts';

/** One piece of an upstream's reasoning as it comes in, whole or in deltas. */
export interface ReasoningCollector {
  readonly holds: (delta: JsonRecord) => boolean;
  /** What a delta or message adds to the text. */
  readonly push: (delta: JsonRecord) => string;
  /** Reasoning that stands among the content; gives it back. */
  readonly pushContent: (text: string) => string;
  /** The signature's value for the piece that ends here; begins the next. */
  readonly take: () => string;
}

/** What of a delta is reasoning. The same text may stand in all three. */
function reasoningIn(delta: JsonRecord): { readonly content: string; readonly plain: string; readonly details: readonly JsonRecord[] } {
  return {
    content: textOf(delta['reasoning_content']) ?? '',
    plain: textOf(delta['reasoning']) ?? '',
    details: listOf(delta['reasoning_details']).filter(isRecord),
  };
}

export function createReasoningCollector(): ReasoningCollector {
  let field: ReasoningForm['field'] | undefined;
  let details = createDetails();
  let texts: string[] = [];
  return {
    holds: (delta) => {
      const { content, plain, details: added } = reasoningIn(delta);
      return content !== '' || plain !== '' || added.length > 0;
    },
    push: (delta) => {
      const { content, plain, details: added } = reasoningIn(delta);
      const text = content || plain || detailsText(added);
      field ??= content === '' ? 'reasoning' : 'reasoning_content';
      for (const detail of added) details.push(detail);
      texts.push(text);
      return text;
    },
    pushContent: (text) => {
      field ??= 'thinking';
      texts.push(text);
      return text;
    },
    take: () => {
      const value = valueOfForm({ field: field ?? 'reasoning_content', details: details.list() }, texts.join(''));
      field = undefined;
      details = createDetails();
      texts = [];
      return value;
    },
  };
}

interface Details {
  readonly push: (detail: JsonRecord) => void;
  readonly list: () => readonly JsonRecord[];
}

/** Entries of `reasoning_details`; those of one index and type are pieces of one, and texts without an index that follow each other. */
function createDetails(): Details {
  const entries: { readonly first: JsonRecord; readonly pieces: JsonRecord[] }[] = [];
  const byKey = new Map<string, JsonRecord[]>();
  return {
    push: (detail) => {
      const index = numberOf(detail['index']);
      const type = textOf(detail['type']) ?? '';
      const last = entries.at(-1);
      const isText = type === 'reasoning.text' || type === 'reasoning.summary';
      const present = index === undefined ? (isText && last?.first['type'] === type && last.first['index'] === undefined ? last.pieces : undefined) : byKey.get(`${index} ${type}`);
      if (present !== undefined) {
        present.push(detail);
        return;
      }
      const pieces = [detail];
      entries.push({ first: detail, pieces });
      if (index !== undefined) byKey.set(`${index} ${type}`, pieces);
    },
    list: () => entries.map(({ pieces }) => joinPieces(pieces)),
  };
}

/** Texts are put together, all else is the latest. */
function joinPieces(pieces: readonly JsonRecord[]): JsonRecord {
  if (pieces.length === 1) return pieces[0] ?? {};
  const joined: Record<string, unknown> = {};
  for (const piece of pieces) for (const [name, value] of Object.entries(piece)) if (value !== null && value !== undefined) joined[name] = value;
  for (const name of ['text', 'summary', 'data']) {
    const texts = pieces.map((piece) => textOf(piece[name])).filter((text) => text !== undefined);
    if (texts.length > 0) joined[name] = texts.join('');
  }
  return joined;
}
