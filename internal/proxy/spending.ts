import type { Dialect, Operation } from '../dialect/dialect.ts';
import { scanObject } from '../dialect/json-scan.ts';
import type { TokenCounts } from '../usage/ports.ts';
import type { AnswerSummary } from './answer-sink.ts';
import type { TryEnd } from './try-candidate.ts';

/** What a request's cost is estimated from. */
export interface Spending {
  readonly operation: { readonly dialect: Dialect; readonly operation: Operation };
  /** `''` for requests that name none: what they ask for was paid for before, or comes to nothing. */
  readonly model: string;
  readonly isStream: boolean;
  readonly requestBytes: number;
  /** The JSON body; undefined for what is none, or was not read. */
  readonly bytes?: Buffer | undefined;
}

/** An upstream took the request and did not refuse it, and no whole answer came of it: the caller left, or the upstream broke off. */
export type Loss = 'left' | 'broken';

/** Undefined where nothing is known to have been worked for in vain. */
export function lossOf(end: TryEnd): Loss | undefined {
  switch (end.kind) {
    case 'client_gone':
    case 'ended':
      return end.wasTaken ? 'left' : undefined;
    case 'broken':
      return end.wasSent ? 'broken' : undefined;
    case 'refused':
      // A good answer that its client's dialect cannot say.
      return end.isBlameless === true ? 'broken' : undefined;
    case 'answered':
    case 'no_token':
    case 'untranslatable':
      return undefined;
  }
}

/**
 * What an exchange used: the upstream's own counts; where an answer states none, or did not come to its end, an estimate that
 * is no lower than what the request and what came of the answer make likely.
 */
export function countTokens(request: Spending, summary: AnswerSummary | undefined, loss: Loss | undefined): TokenCounts {
  if (!maySpend(request)) return none;
  const input = inputEstimate(request);
  // Nobody ends the work on an answer that was to come in one piece.
  const least = loss === 'left' && !request.isStream ? outputBound(request) : 0;
  if (summary === undefined) return loss === undefined ? none : { ...none, input, output: least, estimated: true };
  const { usage } = summary;
  // All zero says that nobody counted.
  const isStated = usage !== undefined && usage.input + usage.output > 0;
  // Of an answer in one piece it stands at the end.
  if (isStated && !(summary.isTruncated && request.isStream)) return { ...usage, estimated: false };
  const came = Math.max(summary.eventCount, Math.ceil(summary.contentBytes / bytesPerToken));
  const output = Math.max(least, came);
  if (!isStated) return { ...none, input, output, estimated: input + output > 0 };
  return { ...usage, input: usage.input === 0 ? input : usage.input, output: Math.max(usage.output, output), estimated: usage.output < output };
}

const none: TokenCounts = { input: 0, output: 0, reasoning: 0, cached: 0, estimated: false };

/** What the request may come to, before anybody knows: it by its bytes, the answer by the bound that it states. */
export function estimate(request: Spending): { readonly input: number; readonly output: number } {
  return maySpend(request) ? { input: inputEstimate(request), output: outputBound(request) } : { input: 0, output: 0 };
}

/** Whether the request can cost tokens at all. */
export function maySpend({ operation: { operation }, model }: Spending): boolean {
  return model !== '' && operation !== 'count-tokens' && operation !== 'gemini-count' && operation !== 'responses-count' && operation !== 'audio';
}

function inputEstimate({ requestBytes }: Spending): number {
  return Math.ceil(requestBytes / bytesPerToken);
}

/** Of requests that state no bound of their answer. */
const usualOutput = 4_096;
const bytesPerToken = 4;
/** Far beyond any model's answer; sums of it stay finite. */
const mostOutput = 10_000_000;
const mostChoices = 128;
/** Where operations that generate state the bound of an answer, and how many answers they want. */
const boundsIn: Partial<Readonly<Record<Operation, ReadonlySet<string>>>> = {
  chat: new Set(['max_tokens', 'max_completion_tokens', 'n']),
  completions: new Set(['max_tokens', 'n']),
  responses: new Set(['max_output_tokens']),
  messages: new Set(['max_tokens']),
  'gemini-generate': new Set(['generationConfig']),
  // Of a session, one response: what it states comes later.
  realtime: new Set(),
};

function outputBound({ operation: { operation }, bytes }: Spending): number {
  const names = boundsIn[operation];
  if (names === undefined) return 0;
  const scan = bytes === undefined ? undefined : scanObject(bytes, names);
  if (bytes === undefined || scan === undefined || !scan.ok) return usualOutput;
  let bound: number | undefined;
  let choices = 1;
  for (const [name, { start, end }] of scan.members) {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end));
    const stated: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'maxOutputTokens') : value;
    if (typeof stated !== 'number' || !Number.isFinite(stated) || stated < 0) continue;
    if (name === 'n') choices = Math.min(mostChoices, Math.max(1, Math.ceil(stated)));
    else bound = Math.min(mostOutput, Math.max(bound ?? 0, Math.ceil(stated)));
  }
  return (bound ?? usualOutput) * choices;
}
