import type { AnswerContext } from '../codec.ts';
import type { Finish, IrAnswer, IrUsage } from '../ir/answer.ts';
import { compact, memberOf, type JsonRecord } from '../ir/json.ts';
import { effortOf } from '../ir/reasoning.ts';
import type { IrRequest } from '../ir/request.ts';
import { encodeFormat } from './request-encode.ts';
import { encodeOwnTool, encodeToolChoice } from './tools-encode.ts';
import { encodeUsage } from './usage.ts';

/** How an answer stands: what differs between the response objects of one stream. */
export interface Outcome {
  readonly status: 'in_progress' | 'completed' | 'incomplete' | 'failed';
  readonly reason?: string | undefined;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
}

export interface ResponseState extends Outcome {
  readonly output: readonly JsonRecord[];
  readonly usage?: IrUsage | undefined;
  /** Another than the head says. */
  readonly serviceTier?: string | undefined;
}

/** `finish` is undefined for an answer that has no choice at all. What is not known to have come to its end must not read as whole. */
export function outcomeOf(finish: Finish | undefined, output: readonly JsonRecord[]): Outcome {
  switch (finish) {
    case 'stop':
    case 'stop_sequence':
    case 'tool_calls':
      return { status: 'completed' };
    case 'length':
    case 'context_length':
    case 'pause':
      return { status: 'incomplete', reason: 'max_output_tokens' };
    case 'other':
      // The API has two reasons, and it is neither.
      return { status: 'incomplete' };
    case 'content_filter':
      return { status: 'incomplete', reason: 'content_filter' };
    case 'refusal':
      return hasRefusal(output) ? { status: 'completed' } : { status: 'incomplete', reason: 'content_filter' };
    case 'malformed_tool_call':
      return { status: 'failed', error: { code: 'server_error', message: 'The model called a tool in a form that cannot be read.' } };
    case undefined:
      return { status: 'failed', error: { code: 'server_error', message: 'The model gave no answer.' } };
  }
}

function hasRefusal(output: readonly JsonRecord[]): boolean {
  return output.some((item) => Array.isArray(item['content']) && item['content'].some((part) => memberOf(part, 'type') === 'refusal'));
}

type Head = Pick<IrAnswer, 'id' | 'model' | 'createdSeconds' | 'serviceTier'>;

/** Makes response objects of one answer: they have one id, and repeat the request where the API does. */
export function createResponseShell(head: Head, context: AnswerContext): (state: ResponseState) => JsonRecord {
  const id = head.id?.startsWith('resp_') === true ? head.id : context.newId('resp_');
  const first = { id, object: 'response', created_at: head.createdSeconds ?? context.nowSeconds };
  const rest = { model: head.model ?? context.model, ...echo(context.request) };
  return ({ status, reason, error, output, usage, serviceTier }) => ({
    ...first,
    status,
    background: false,
    error: error ?? null,
    incomplete_details: reason === undefined ? null : { reason },
    ...rest,
    ...tierOf(serviceTier ?? head.serviceTier),
    output,
    usage: usage === undefined ? null : encodeUsage(usage),
  });
}

/** Anthropic's word for the usual tier is not the API's. */
function tierOf(tier: string | undefined): JsonRecord {
  return tier === undefined ? {} : { service_tier: tier === 'standard' ? 'default' : tier };
}

function echo(request: IrRequest): JsonRecord {
  const { extras, logprobs, reasoning } = request;
  const member = (name: string): unknown => (extras?.dialect === 'openai-responses' ? extras.members[name] : undefined);
  const show = reasoning?.show;
  return {
    access_programs: null,
    ...compact({ prompt_cache_key: request.promptCacheKey, prompt_cache_retention: request.promptCacheRetention, safety_identifier: request.userId }),
    instructions: instructionsOf(request),
    max_output_tokens: request.maxTokens ?? null,
    max_tool_calls: member('max_tool_calls') ?? null,
    metadata: request.metadata ?? {},
    parallel_tool_calls: request.parallelToolCalls ?? true,
    previous_response_id: null,
    reasoning: { effort: effortOf(reasoning) ?? null, summary: show === undefined || show === 'none' ? null : show },
    temperature: request.temperature ?? null,
    text: compact({ format: encodeFormat(request.responseFormat) ?? { type: 'text' }, verbosity: request.verbosity }),
    tool_choice: encodeToolChoice(request.toolChoice, request.tools) ?? 'auto',
    tools: request.tools.map(encodeOwnTool).filter((tool) => tool !== undefined),
    top_logprobs: logprobs?.top ?? 0,
    top_p: request.topP ?? null,
    truncation: member('truncation') ?? 'disabled',
  };
}

function instructionsOf({ turns: [first] }: IrRequest): string | null {
  if (first?.role !== 'system') return null;
  const texts = first.parts.map((part) => (part.kind === 'text' ? part.text : ''));
  return texts.join('\n\n');
}
