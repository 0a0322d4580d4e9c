import { numberOf } from './ir/json.ts';
import { endOfValue } from './json-scan.ts';
import type { Dialect } from './dialect.ts';

/** Token counts as one upstream answer states them. Cached tokens are part of `input`, reasoning tokens part of `output`. */
export interface StatedUsage {
  readonly input: number;
  readonly output: number;
  readonly reasoning: number;
  readonly cached: number;
}

/** Far beyond any model's context; sums of it stay exact, and a budget that one is booked on is gone but sound. */
const maxCount = 100_000_000;

/** A count as an upstream may mean it: whole, and neither negative nor without end. */
export function boundedCount(stated: number | undefined): number {
  return stated !== undefined && Number.isFinite(stated) && stated > 0 ? Math.min(maxCount, Math.trunc(stated)) : 0;
}

/** Reads a member path of unknown JSON as a count; anything but a finite number above 0 is 0. */
function numberAt(value: unknown, ...path: readonly string[]): number {
  let at: unknown = value;
  for (const name of path) {
    if (typeof at !== 'object' || at === null) return 0;
    at = Reflect.get(at, name);
  }
  return boundedCount(numberOf(at));
}

/** The usage object of an answer (`usage`, or Gemini's `usageMetadata`) as counts; undefined when it is no object. */
export function readUsage(dialect: Dialect, usage: unknown): StatedUsage | undefined {
  if (typeof usage !== 'object' || usage === null) return undefined;
  switch (dialect) {
    case 'openai-chat':
    case 'openai-responses':
      // Images and audio endpoints use the Responses spelling, legacy ones the chat spelling.
      return {
        input: numberAt(usage, 'input_tokens') || numberAt(usage, 'prompt_tokens'),
        output: numberAt(usage, 'output_tokens') || numberAt(usage, 'completion_tokens'),
        reasoning: numberAt(usage, 'output_tokens_details', 'reasoning_tokens') || numberAt(usage, 'completion_tokens_details', 'reasoning_tokens'),
        cached: numberAt(usage, 'input_tokens_details', 'cached_tokens') || numberAt(usage, 'prompt_tokens_details', 'cached_tokens'),
      };
    case 'anthropic-messages': {
      const cached = numberAt(usage, 'cache_read_input_tokens');
      return {
        input: numberAt(usage, 'input_tokens') + cached + numberAt(usage, 'cache_creation_input_tokens'),
        output: numberAt(usage, 'output_tokens'),
        reasoning: numberAt(usage, 'output_tokens_details', 'thinking_tokens'),
        cached,
      };
    }
    case 'gemini': {
      // Thoughts are counted beside the candidates, what a tool of the vendor's put into the prompt beside the prompt.
      const reasoning = numberAt(usage, 'thoughtsTokenCount');
      const input = numberAt(usage, 'promptTokenCount') + numberAt(usage, 'toolUsePromptTokenCount');
      const candidates = numberAt(usage, 'candidatesTokenCount');
      // Some models of Vertex count thoughts among the candidates; the total tells.
      const isContained = candidates >= reasoning && numberAt(usage, 'totalTokenCount') === input + candidates;
      return {
        input,
        output: isContained ? candidates : candidates + reasoning,
        reasoning,
        cached: numberAt(usage, 'cachedContentTokenCount'),
      };
    }
  }
}

/** The last usage object in the bytes of a JSON answer (or its tail). Quotes inside strings are escaped, so the search cannot hit text. */
export function findUsage(dialect: Dialect, bytes: Buffer): StatedUsage | undefined {
  const name = dialect === 'gemini' ? '"usageMetadata"' : '"usage"';
  for (let from = bytes.length; from >= 0; ) {
    const found = bytes.lastIndexOf(name, from);
    if (found < 0) return undefined;
    const usage = readUsage(dialect, valueAfterName(bytes, found + name.length));
    if (usage !== undefined) return usage;
    from = found - 1;
  }
  return undefined;
}

/** The parsed value behind a member name that ends at `at`; undefined when there is none or it is cut. */
function valueAfterName(bytes: Buffer, at: number): unknown {
  let start = at;
  while (bytes[start] === 0x20 || bytes[start] === 0x0a || bytes[start] === 0x0d || bytes[start] === 0x09) start++;
  if (bytes[start] !== 0x3a) return undefined;
  const end = endOfValue(bytes, start + 1);
  if (end < 0) return undefined;
  return JSON.parse(bytes.toString('utf8', start + 1, end));
}
