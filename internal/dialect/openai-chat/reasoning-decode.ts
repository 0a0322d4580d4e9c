import { isRecord, listOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';
import { detailsText } from './client-reasoning.ts';
import { valueOfForm, type ReasoningForm } from './upstream-reasoning.ts';

/** One piece of an upstream's reasoning as it comes in, whole or in deltas. */
export interface ReasoningCollector {
  /** What a delta or message adds to the text; undefined where it holds no reasoning. */
  readonly push: (delta: JsonRecord) => string | undefined;
  /** Reasoning that stands among the content. */
  readonly pushContent: (text: string) => void;
  /** The signature's value for the piece that ends here; begins the next. */
  readonly take: () => string;
}

export function createReasoningCollector(): ReasoningCollector {
  let field: ReasoningForm['field'] | undefined;
  let details = createDetails();
  let texts: string[] = [];
  return {
    push: (delta) => {
      const content = textOf(delta['reasoning_content']) ?? '';
      const plain = textOf(delta['reasoning']) ?? '';
      const added = listOf(delta['reasoning_details']).filter(isRecord);
      if (content === '' && plain === '' && added.length === 0) return undefined;
      // The same text may stand in all three.
      const text = content || plain || detailsText(added);
      field ??= content === '' && (plain !== '' || added.length > 0) ? 'reasoning' : 'reasoning_content';
      for (const detail of added) details.push(detail);
      if (text !== '') texts.push(text);
      return text;
    },
    pushContent: (text) => {
      field ??= 'thinking';
      texts.push(text);
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

/** Entries of `reasoning_details`; those of one index and type are pieces of one. */
function createDetails(): Details {
  const entries: { readonly first: JsonRecord; readonly pieces: JsonRecord[] }[] = [];
  return {
    push: (detail) => {
      const index = numberOf(detail['index']);
      const entry = entries.findLast(({ first }) => index !== undefined && first['index'] === index && first['type'] === detail['type']);
      if (entry === undefined) entries.push({ first: detail, pieces: [detail] });
      else entry.pieces.push(detail);
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
