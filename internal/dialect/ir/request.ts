import type { Dialect } from '../dialect.ts';
import type { JsonRecord } from './json.ts';
import type { CacheMarker, Part } from './parts.ts';
import type { Places } from './places.ts';

/**
 * One request to generate, in no dialect's words. `undefined` means that the client did not say it. The model is not part of
 * it: its name differs from candidate to candidate.
 */
export interface IrRequest {
  /** In order. Two neighbours may have the same role; encoders merge them where their dialect wants turns to alternate. */
  readonly turns: readonly Turn[];
  readonly tools: readonly Tool[];
  readonly toolChoice?: ToolChoice | undefined;
  readonly parallelToolCalls?: boolean | undefined;
  /** Bound of the answer, reasoning included. */
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly seed?: number | undefined;
  readonly stop?: readonly string[] | undefined;
  /** Answers wanted side by side; 1 where not said. */
  readonly n?: number | undefined;
  /** Log probabilities wanted; `top` alternatives a token, 0 for none. */
  readonly logprobs?: { readonly top: number } | undefined;
  readonly logitBias?: JsonRecord | undefined;
  readonly responseFormat?: ResponseFormat | undefined;
  readonly reasoning?: Reasoning | undefined;
  /** How much the model says: `low`, `medium`, `high`. */
  readonly verbosity?: string | undefined;
  /** What the answer may be made of besides text, e.g. `audio`, `image`, lower-case. */
  readonly modalities?: readonly string[] | undefined;
  readonly metadata?: JsonRecord | undefined;
  /** The client's name of its end user. */
  readonly userId?: string | undefined;
  /** `auto`, `default`, `flex`, `priority`, `standard_only` … */
  readonly serviceTier?: string | undefined;
  readonly promptCacheKey?: string | undefined;
  /** `24h`, `in_memory` */
  readonly promptCacheRetention?: string | undefined;
  /** The client wants the answer kept for later reference; undefined where it did not say. */
  readonly store?: boolean | undefined;
  readonly isStream: boolean;
  /** The client asked for usage in its stream (`stream_options.include_usage`). Only openai-chat asks; the others always state it. */
  readonly includeUsage?: boolean | undefined;
  /** Top-level members of the client's body that have no place here. The same dialect writes them back; others leave them out and list them. */
  readonly extras?: { readonly dialect: Dialect; readonly members: JsonRecord } | undefined;
  /** For messages about parts; absent where turns are the client's own list. */
  readonly places?: Places | undefined;
}

/** System and developer turns stand where the client put them; a top-level instruction is the first turn, role `system`. Results of tools are turns of their own. */
export interface Turn {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool';
  readonly parts: readonly Part[];
  /** The participant's name, as openai-chat has it. */
  readonly name?: string | undefined;
}

export type Tool = FunctionTool | CustomTool | BuiltinTool;

export interface FunctionTool {
  readonly kind: 'function';
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON Schema, draft 2020-12; undefined for a function without parameters. */
  readonly parameters?: JsonRecord | undefined;
  readonly strict?: boolean | undefined;
  readonly cache?: CacheMarker | undefined;
}

/** Free-form input instead of JSON. Dialects without such tools call it as a function with one text parameter `input`. */
export interface CustomTool {
  readonly kind: 'custom';
  readonly name: string;
  readonly description?: string | undefined;
  /** OpenAI's `format`: text or a grammar. */
  readonly format?: JsonRecord | undefined;
}

/** Kinds of a vendor's own tools that more than one vendor has. */
export type BuiltinKind = 'web_search' | 'web_fetch' | 'code_execution' | 'other';

/** A tool that the vendor runs, or whose form only it knows. */
export interface BuiltinTool {
  readonly kind: 'builtin';
  readonly builtin: BuiltinKind;
  /** As the client calls it, for messages: `web_search_20250305`, `googleSearch`, `computer_use_preview`. */
  readonly name: string;
  readonly dialect: Dialect;
  /** The whole tool as it came. */
  readonly item: JsonRecord;
}

export type ToolChoice =
  | { readonly mode: 'auto' | 'none' | 'required' }
  | { readonly mode: 'named'; readonly name: string; readonly isCustom?: boolean | undefined }
  /** Only these may be called; `isRequired`: one of them must. */
  | { readonly mode: 'allowed'; readonly names: readonly string[]; readonly isRequired: boolean };

export type ResponseFormat =
  | { readonly kind: 'text' }
  /** Any JSON object. */
  | { readonly kind: 'json' }
  | { readonly kind: 'schema'; readonly schema: JsonRecord; readonly name?: string | undefined; readonly description?: string | undefined; readonly strict?: boolean | undefined };

export type Effort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';

/** At most one of `effort` and `budgetTokens` comes from a client; `ir/reasoning.ts` turns one into the other. */
export interface Reasoning {
  readonly effort?: Effort | undefined;
  /** Tokens for reasoning; 0 is off, -1 leaves it to the model (Gemini's dynamic, Anthropic's adaptive). */
  readonly budgetTokens?: number | undefined;
  /** Whether the client wants to see reasoning: OpenAI's `summary`, Gemini's `includeThoughts`, Anthropic's `display`. */
  readonly show?: 'none' | 'auto' | 'concise' | 'detailed' | undefined;
}
