import type { Finish, IrUsage, TokenLogprob } from '../ir/answer.ts';
import { compact, entryOf, isRecord, listOf, memberOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Annotation } from '../ir/parts.ts';

const dialect = 'openai-chat';

const finishes: Readonly<Record<string, Finish>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
  // Mistral's and Zhipu's words for a full window.
  model_length: 'context_length',
  model_context_window_exceeded: 'context_length',
  // What servers say that pass on the words of the engine or the vendor behind them.
  eos: 'stop',
  eos_token: 'stop',
  end_turn: 'stop',
  end: 'stop',
  complete: 'stop',
  completed: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  max_output_tokens: 'length',
  tool_use: 'tool_calls',
  tool_call: 'tool_calls',
  safety: 'content_filter',
  sensitive: 'content_filter',
  refusal: 'refusal',
};

/** Of a word that nobody has documented: that it is the word for an answer which did not come to its end. */
const saysCut = /abort|block|cancel|cut|error|exceed|fail|filter|incomplete|insufficient|interrupt|length|limit|max|partial|timeout|trunc/;

function finishOf(word: string): Finish {
  const plain = word.toLowerCase();
  return entryOf(finishes, plain) ?? (saysCut.test(plain) ? 'other' : 'stop');
}

/** What a choice holds, which its finish must agree with: imitations say `stop` for calls too. */
export interface Held {
  readonly hasCalls: boolean;
  readonly hasRefusal: boolean;
  /** A call came without a name. */
  readonly hasBrokenCall: boolean;
}

/** `unsaid`: what a choice ended by that does not say. */
export function readFinish(word: string | undefined, { hasCalls, hasRefusal, hasBrokenCall }: Held, unsaid: Finish): Finish {
  if (hasBrokenCall) return 'malformed_tool_call';
  const finish = word === undefined ? unsaid : finishOf(word);
  if (hasCalls) return finish === 'stop' || word === undefined ? 'tool_calls' : finish;
  if (finish === 'stop' && hasRefusal) return 'refusal';
  return finish === 'tool_calls' ? 'stop' : finish;
}

/** What is not known to have come to its end is `length`, which clients take for an answer that is not whole. */
export function writeFinish(finish: Finish, { hasCalls, hasRefusal }: Omit<Held, 'hasBrokenCall'>): string {
  switch (finish) {
    case 'stop':
    case 'stop_sequence':
      return hasCalls ? 'tool_calls' : 'stop';
    case 'tool_calls':
      return 'tool_calls';
    case 'refusal':
      return hasRefusal ? 'stop' : 'content_filter';
    case 'content_filter':
      return 'content_filter';
    case 'length':
    case 'context_length':
    case 'pause':
    case 'malformed_tool_call':
    case 'other':
      return 'length';
  }
}

/** Counts of an answer or a chunk; some imitations state them beside the choice, or below a member of their own. */
export function readUsage(body: JsonRecord): IrUsage | undefined {
  const stated = [body['usage'], memberOf(body['x_groq'], 'usage'), ...listOf(body['choices']).map((choice) => memberOf(choice, 'usage'))];
  const usage = stated.find((value) => numberOf(memberOf(value, 'prompt_tokens')) !== undefined || numberOf(memberOf(value, 'completion_tokens')) !== undefined);
  return isRecord(usage) ? decodeUsage(usage) : undefined;
}

/**
 * OpenAI's counts contain their parts. Where the total is more than both together, the rest is reasoning that the vendor
 * counts apart (xAI, Gemini).
 */
function decodeUsage(usage: JsonRecord): IrUsage {
  const prompt = usage['prompt_tokens_details'];
  const input = numberOf(usage['prompt_tokens']) ?? 0;
  const output = numberOf(usage['completion_tokens']) ?? 0;
  const apart = Math.max(0, (numberOf(usage['total_tokens']) ?? 0) - input - output);
  return {
    input,
    cachedInput: firstNumber(memberOf(prompt, 'cached_tokens'), usage['prompt_cache_hit_tokens'], usage['cached_tokens']),
    cacheWrite: firstNumber(memberOf(prompt, 'cache_write_tokens'), memberOf(prompt, 'cache_creation_tokens'), memberOf(prompt, 'cache_creation_input_tokens')),
    output: output + apart,
    reasoning: firstNumber(memberOf(usage['completion_tokens_details'], 'reasoning_tokens'), usage['reasoning_tokens'], apart),
  };
}

function firstNumber(...values: readonly unknown[]): number {
  return values.map(numberOf).find((value) => value !== undefined) ?? 0;
}

export function writeUsage({ input, cachedInput, cacheWrite, output, reasoning }: IrUsage): JsonRecord {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cachedInput, ...(cacheWrite === 0 ? {} : { cache_write_tokens: cacheWrite }) },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

/** Tokens of the content, or of a refusal; what is no token is left out. */
export function readLogprobs(logprobs: unknown): readonly TokenLogprob[] {
  return [...listOf(memberOf(logprobs, 'content')), ...listOf(memberOf(logprobs, 'refusal'))].flatMap((entry) => {
    const token = readToken(entry);
    if (token === undefined) return [];
    const top = listOf(memberOf(entry, 'top_logprobs')).map(readToken);
    return [{ ...token, top: top.filter((alternative) => alternative !== undefined) }];
  });
}

function readToken(entry: unknown): TokenLogprob['top'][number] | undefined {
  const token = textOf(memberOf(entry, 'token'));
  const logprob = numberOf(memberOf(entry, 'logprob'));
  if (token === undefined || logprob === undefined) return undefined;
  const bytes = memberOf(entry, 'bytes');
  return { token, logprob, bytes: Array.isArray(bytes) ? bytes.map(numberOf).filter((byte) => byte !== undefined) : undefined };
}

export function writeLogprobs(tokens: readonly TokenLogprob[]): JsonRecord {
  return { content: tokens.map((token) => ({ ...writeToken(token), top_logprobs: token.top.map(writeToken) })), refusal: null };
}

function writeToken({ token, logprob, bytes }: TokenLogprob['top'][number]): JsonRecord {
  return { token, logprob, bytes: bytes ?? null };
}

/** Annotations of a message. `from`: where the part that they stand in begins within the message's content. */
export function readAnnotations(value: unknown, from: number): readonly Annotation[] {
  return listOf(value).filter(isRecord).map((item) => {
    const citation = item['url_citation'];
    const url = textOf(memberOf(citation, 'url'));
    if (url === undefined) return { kind: 'raw', dialect, item };
    const place = (name: string): number | undefined => {
      const at = numberOf(memberOf(citation, name));
      return at === undefined ? undefined : Math.max(0, at - from);
    };
    return { kind: 'url', url, title: textOf(memberOf(citation, 'title')), start: place('start_index'), end: place('end_index'), citedText: textOf(memberOf(citation, 'content')) };
  });
}

/** `from` as above; a link without a place stands at `at`. Undefined for what only another dialect understands. */
export function writeAnnotation(annotation: Annotation, from: number, at: number): JsonRecord | undefined {
  if (annotation.kind === 'raw') return annotation.dialect === dialect ? annotation.item : undefined;
  const { url, title, start, end } = annotation;
  const place = (index: number | undefined): number => (index === undefined ? at : index + from);
  return { type: 'url_citation', url_citation: compact({ start_index: place(start), end_index: place(end), title: title ?? url, url }) };
}

/** Links beside the answer, as Perplexity and xAI state them. */
export function readSources(body: JsonRecord): readonly Annotation[] {
  const results = listOf(body['search_results']).flatMap((result): readonly Annotation[] => {
    const url = textOf(memberOf(result, 'url'));
    return url === undefined ? [] : [{ kind: 'url', url, title: textOf(memberOf(result, 'title')) }];
  });
  if (results.length > 0) return results;
  return listOf(body['citations']).flatMap((url): readonly Annotation[] => (typeof url === 'string' ? [{ kind: 'url', url }] : []));
}
