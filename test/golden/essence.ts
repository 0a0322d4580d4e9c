import type { Dialect } from '../../internal/dialect/dialect.ts';
import { flagOf, isRecord, listOf, memberOf, numberOf, parseJson, textOf, type JsonRecord } from '../../internal/dialect/ir/json.ts';
import type { WireEvent } from './corpus.ts';

/*
 * What a client cannot do without, read from each vendor's form by its documentation alone, with nothing of the codecs: so that
 * a recorded result that lost something, or made something up, does not pass for a promise.
 */

export interface Essence {
  /** With refusals, which not every vendor tells apart, and with what is said in a sound. */
  text: string;
  thinking: string;
  readonly calls: { readonly name: string; readonly input: unknown }[];
  /** The vendor's word. */
  finish: string | undefined;
  readonly links: string[];
  readonly pictures: string[];
  usage: { readonly input: number; readonly cached: number; readonly output: number; readonly reasoning: number } | undefined;
  /** The model declined, in words that stand apart from its answers. */
  hasRefused: boolean;
  /** An error came, or the mark of the end did not. */
  hasFailed: boolean;
}

const nothing = (): Essence => ({ text: '', thinking: '', calls: [], finish: undefined, links: [], pictures: [], usage: undefined, hasRefused: false, hasFailed: false });

export function essenceOfAnswer(dialect: Dialect, answer: JsonRecord): Essence {
  const found = nothing();
  switch (dialect) {
    case 'openai-chat':
      readCompletion(found, answer);
      break;
    case 'openai-responses':
      readResponse(found, answer);
      break;
    case 'anthropic-messages':
      for (const block of listOf(answer['content'])) readBlock(found, block);
      readStopDetails(found, answer);
      found.finish = textOf(answer['stop_reason']);
      found.usage = readMessagesUsage([answer['usage']]);
      takePictures(found);
      break;
    case 'gemini':
      readCandidates(found, answer);
      break;
  }
  return found;
}

export function essenceOfStream(dialect: Dialect, events: readonly WireEvent[]): Essence {
  const found = nothing();
  const bodies = events.flatMap((each) => ('data' in each && isRecord(each.data) ? [each.data] : []));
  found.hasFailed = bodies.some((body) => isRecord(body['error']) || body['type'] === 'error' || body['type'] === 'response.failed') || !events.some((each) => isEnd(dialect, each));
  switch (dialect) {
    case 'openai-chat':
      readChunks(found, bodies);
      break;
    case 'openai-responses':
      readResponseEvents(found, bodies);
      break;
    case 'anthropic-messages':
      readMessageEvents(found, bodies);
      takePictures(found);
      break;
    case 'gemini':
      for (const body of bodies) readCandidates(found, body);
      break;
  }
  return found;
}

/** The event without which a stream is not whole. */
function isEnd(dialect: Dialect, event: WireEvent): boolean {
  if ('raw' in event) return false;
  const type = memberOf(event.data, 'type');
  switch (dialect) {
    case 'openai-chat':
      return event.data === '[DONE]';
    case 'openai-responses':
      return type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed';
    case 'anthropic-messages':
      return type === 'message_stop';
    case 'gemini':
      return listOf(memberOf(event.data, 'candidates')).some((each) => textOf(memberOf(each, 'finishReason')) !== undefined) || at(event.data, 'promptFeedback', 'blockReason') !== undefined;
  }
}

function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(memberOf, value);
}

/** A total of more than both is reasoning that is counted apart. */
function readUsage(usage: unknown, inputName: string, outputName: string): Essence['usage'] {
  if (!isRecord(usage)) return undefined;
  const count = (name: string): number => numberOf(usage[name]) ?? 0;
  const detail = (name: string, member: string): number => numberOf(at(usage, `${name}_details`, member)) ?? 0;
  const input = count(inputName);
  return { input, cached: detail(inputName, 'cached_tokens'), output: Math.max(count(outputName), count('total_tokens') - input), reasoning: detail(outputName, 'reasoning_tokens') };
}

function readMessage(found: Essence, message: unknown): void {
  const refusal = textOf(memberOf(message, 'refusal')) ?? '';
  found.text += (textOf(memberOf(message, 'content')) ?? '') + (textOf(at(message, 'audio', 'transcript')) ?? '') + refusal;
  found.hasRefused ||= refusal !== '';
  found.thinking += textOf(memberOf(message, 'reasoning_content')) ?? '';
  for (const link of listOf(memberOf(message, 'annotations'))) found.links.push(String(at(link, 'url_citation', 'url')));
  for (const image of listOf(memberOf(message, 'images'))) found.pictures.push(String(at(image, 'image_url', 'url')).replace(/^data:.*?;base64,/, ''));
}

/** Free text stands for itself as the one argument by which other dialects have it. */
function inputOf(text: string, isCustom: boolean): unknown {
  if (isCustom) return { input: text };
  return text === '' ? {} : (parseJson(text) ?? text);
}

function readCompletion(found: Essence, answer: JsonRecord): void {
  const choice = listOf(answer['choices'])[0];
  readMessage(found, memberOf(choice, 'message'));
  for (const call of listOf(at(choice, 'message', 'tool_calls'))) {
    const stated = memberOf(call, 'function') ?? memberOf(call, 'custom');
    found.calls.push({ name: String(memberOf(stated, 'name')), input: inputOf(String(memberOf(stated, 'arguments') ?? memberOf(stated, 'input')), memberOf(call, 'type') === 'custom') });
  }
  found.finish = textOf(memberOf(choice, 'finish_reason'));
  found.usage = readUsage(answer['usage'], 'prompt_tokens', 'completion_tokens');
}

function readChunks(found: Essence, bodies: readonly JsonRecord[]): void {
  const calls = new Map<number, { name: string; text: string; isCustom: boolean }>();
  for (const body of bodies) {
    found.usage = readUsage(body['usage'], 'prompt_tokens', 'completion_tokens') ?? found.usage;
    const choice = listOf(body['choices']).find((each) => memberOf(each, 'index') === 0);
    const delta = memberOf(choice, 'delta');
    readMessage(found, delta);
    for (const part of listOf(memberOf(delta, 'tool_calls'))) {
      const index = numberOf(memberOf(part, 'index')) ?? 0;
      const call = calls.get(index) ?? { name: '', text: '', isCustom: isRecord(memberOf(part, 'custom')) };
      calls.set(index, call);
      const stated = memberOf(part, 'function') ?? memberOf(part, 'custom');
      call.name += textOf(memberOf(stated, 'name')) ?? '';
      call.text += textOf(memberOf(stated, 'arguments')) ?? textOf(memberOf(stated, 'input')) ?? '';
    }
    found.finish = textOf(memberOf(choice, 'finish_reason')) ?? found.finish;
  }
  for (const { name, text, isCustom } of calls.values()) found.calls.push({ name, input: inputOf(text, isCustom) });
}

function readResponse(found: Essence, response: unknown): void {
  for (const item of listOf(memberOf(response, 'output'))) readItem(found, item);
  found.finish = textOf(at(response, 'incomplete_details', 'reason')) ?? textOf(memberOf(response, 'status'));
  found.usage = readUsage(memberOf(response, 'usage'), 'input_tokens', 'output_tokens');
}

function readItem(found: Essence, item: unknown): void {
  switch (memberOf(item, 'type')) {
    case 'message':
      for (const part of listOf(memberOf(item, 'content'))) {
        found.text += textOf(memberOf(part, 'text')) ?? textOf(memberOf(part, 'refusal')) ?? '';
        found.hasRefused ||= memberOf(part, 'type') === 'refusal';
        for (const link of listOf(memberOf(part, 'annotations'))) if (memberOf(link, 'type') === 'url_citation') found.links.push(String(memberOf(link, 'url')));
      }
      return;
    case 'reasoning':
      for (const part of [...listOf(memberOf(item, 'summary')), ...listOf(memberOf(item, 'content'))]) found.thinking += textOf(memberOf(part, 'text')) ?? '';
      return;
    case 'function_call': {
      const space = textOf(memberOf(item, 'namespace'));
      found.calls.push({ name: `${space === undefined ? '' : `${space}__`}${String(memberOf(item, 'name'))}`, input: inputOf(String(memberOf(item, 'arguments')), false) });
      return;
    }
    case 'custom_tool_call':
      found.calls.push({ name: String(memberOf(item, 'name')), input: { input: memberOf(item, 'input') } });
      return;
    case 'image_generation_call':
      found.pictures.push(String(memberOf(item, 'result')));
      return;
    default:
      return;
  }
}

/** Read from the deltas; the items and the whole response that follow must say the same. */
function readResponseEvents(found: Essence, bodies: readonly JsonRecord[]): void {
  const items = nothing();
  for (const body of bodies) {
    const type = String(body['type']);
    const delta = textOf(body['delta']) ?? '';
    if (type === 'response.output_text.delta' || type === 'response.refusal.delta') found.text += delta;
    if (type === 'response.refusal.delta') found.hasRefused = true;
    if (type === 'response.reasoning_summary_text.delta' || type === 'response.reasoning_text.delta') found.thinking += delta;
    if (type === 'response.output_item.done') readItem(items, body['item']);
    if (!/^response\.(?:completed|incomplete|failed)$/.test(type)) continue;
    const whole = nothing();
    readResponse(whole, body['response']);
    const said = ({ text, thinking, calls, links }: Essence): string => JSON.stringify([text, thinking, calls, links]);
    if (type !== 'response.failed' && (said(whole) !== said(items) || said(items) !== said({ ...items, text: found.text, thinking: found.thinking }))) throw new Error('the response says other than what streamed');
    found.finish = whole.finish;
    found.usage = whole.usage;
  }
  found.calls.push(...items.calls);
  found.links.push(...items.links);
  found.pictures.push(...items.pictures);
}

function readBlock(found: Essence, block: unknown): void {
  switch (memberOf(block, 'type')) {
    case 'text':
      found.text += textOf(memberOf(block, 'text')) ?? '';
      for (const link of listOf(memberOf(block, 'citations'))) readCitation(found, link);
      return;
    case 'thinking':
      found.thinking += textOf(memberOf(block, 'thinking')) ?? '';
      return;
    case 'tool_use':
      found.calls.push({ name: String(memberOf(block, 'name')), input: memberOf(block, 'input') });
      return;
    default:
      return;
  }
}

/** There are no pictures but in the text, as Markdown has them. */
function takePictures(found: Essence): void {
  found.text = found.text.replace(/!\[[^\]]*\]\(data:[^;]*;base64,([^)]*)\)/g, (_, data: string) => {
    found.pictures.push(data);
    return '';
  });
}

/** Why it declined, in the vendor's words. */
function readStopDetails(found: Essence, ending: unknown): void {
  const explanation = textOf(at(ending, 'stop_details', 'explanation')) ?? '';
  found.text += explanation;
  found.hasRefused ||= explanation !== '';
}

function readCitation(found: Essence, citation: unknown): void {
  const url = textOf(memberOf(citation, 'url'));
  if (url !== undefined) found.links.push(url);
}

/** Input counts what was not cached. Later counts replace earlier ones. */
function readMessagesUsage(usages: readonly unknown[]): Essence['usage'] {
  const counts = new Map(usages.flatMap((usage) => Object.entries(isRecord(usage) ? usage : {}).filter(([, value]) => value !== null)));
  if (counts.size === 0) return undefined;
  const count = (name: string): number => numberOf(counts.get(name)) ?? 0;
  const cached = count('cache_read_input_tokens');
  const reasoning = numberOf(memberOf(counts.get('output_tokens_details'), 'thinking_tokens')) ?? 0;
  return { input: count('input_tokens') + cached + count('cache_creation_input_tokens'), cached, output: count('output_tokens'), reasoning };
}

function readMessageEvents(found: Essence, bodies: readonly JsonRecord[]): void {
  const usages: unknown[] = [];
  let call: { readonly name: string; text: string } | undefined;
  for (const body of bodies) {
    const delta = body['delta'];
    switch (body['type']) {
      case 'message_start':
        usages.push(at(body, 'message', 'usage'));
        break;
      case 'content_block_start':
        if (at(body, 'content_block', 'type') === 'tool_use') call = { name: String(at(body, 'content_block', 'name')), text: '' };
        else readBlock(found, body['content_block']);
        break;
      case 'content_block_delta':
        found.text += textOf(memberOf(delta, 'text')) ?? '';
        found.thinking += textOf(memberOf(delta, 'thinking')) ?? '';
        if (call !== undefined) call.text += textOf(memberOf(delta, 'partial_json')) ?? '';
        readCitation(found, memberOf(delta, 'citation'));
        break;
      case 'content_block_stop':
        if (call !== undefined) found.calls.push({ name: call.name, input: inputOf(call.text, false) });
        call = undefined;
        break;
      case 'message_delta':
        found.finish = textOf(memberOf(delta, 'stop_reason')) ?? found.finish;
        readStopDetails(found, delta);
        usages.push(body['usage']);
        break;
      default:
        break;
    }
  }
  found.usage = readMessagesUsage(usages);
}

function readCandidates(found: Essence, body: unknown): void {
  const candidate = listOf(memberOf(body, 'candidates')).find((each) => (memberOf(each, 'index') ?? 0) === 0);
  for (const part of listOf(at(candidate, 'content', 'parts'))) {
    const text = textOf(memberOf(part, 'text')) ?? textOf(at(part, 'audioTranscription', 'text')) ?? '';
    if (flagOf(memberOf(part, 'thought')) === true) found.thinking += text;
    else found.text += text;
    const call = memberOf(part, 'functionCall');
    if (isRecord(call)) found.calls.push({ name: String(call['name']), input: call['args'] ?? {} });
    const { mimeType, data } = recordOf(memberOf(part, 'inlineData'));
    if (String(mimeType).startsWith('image/')) found.pictures.push(String(data));
  }
  for (const chunk of listOf(at(candidate, 'groundingMetadata', 'groundingChunks'))) found.links.push(String(at(chunk, 'web', 'uri')));
  found.finish = textOf(memberOf(candidate, 'finishReason')) ?? textOf(at(body, 'promptFeedback', 'blockReason')) ?? found.finish;
  const usage = memberOf(body, 'usageMetadata');
  if (!isRecord(usage)) return;
  const count = (name: string): number => numberOf(usage[name]) ?? 0;
  found.usage = { input: count('promptTokenCount') + count('toolUsePromptTokenCount'), cached: count('cachedContentTokenCount'), output: count('candidatesTokenCount') + count('thoughtsTokenCount'), reasoning: count('thoughtsTokenCount') };
}
