import type { Annotation, RawPart, RefusalPart, Signature, TextPart, ThinkingPart, ToolCallPart } from './parts.ts';

/** Inline picture or sound that a model made. */
export interface MediaOutputPart {
  readonly kind: 'media';
  readonly mime: string;
  readonly data: string;
  /** What is said in a sound. */
  readonly transcript?: string | undefined;
  readonly signature?: Signature | undefined;
}

export type AnswerPart = TextPart | ThinkingPart | RefusalPart | ToolCallPart | MediaOutputPart | RawPart;

/** Why a choice ended, in no dialect's words. `other` with the vendor's word in `rawFinish`. */
export type Finish =
  | 'stop'
  | 'stop_sequence'
  | 'length'
  /** The model's window is full, not the client's bound. */
  | 'context_length'
  | 'tool_calls'
  /** The vendor's filter cut it. */
  | 'content_filter'
  /** The model declined. */
  | 'refusal'
  /** The vendor interrupted a long turn of its own tools; sent back, it goes on. */
  | 'pause'
  | 'malformed_tool_call'
  | 'other';

export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes?: readonly number[] | undefined;
  readonly top: readonly { readonly token: string; readonly logprob: number; readonly bytes?: readonly number[] | undefined }[];
}

/** Token counts; each part is contained in its whole. */
export interface IrUsage {
  /** All of the prompt, cached and cache-writing tokens included. */
  readonly input: number;
  readonly cachedInput: number;
  readonly cacheWrite: number;
  /** All of the answer, reasoning included. */
  readonly output: number;
  readonly reasoning: number;
}

export interface Choice {
  readonly index: number;
  readonly parts: readonly AnswerPart[];
  readonly finish: Finish;
  /** The vendor's own word, for `other` and for the same dialect. */
  readonly rawFinish?: string | undefined;
  /** Which stop sequence was hit, where the vendor says so. */
  readonly stopSequence?: string | undefined;
  readonly logprobs?: readonly TokenLogprob[] | undefined;
  /** Links that stand for no place in the text (Gemini's grounding without supports). */
  readonly sources?: readonly Annotation[] | undefined;
}

/** One whole answer. */
export interface IrAnswer {
  /** The upstream's id; undefined where it states none. */
  readonly id?: string | undefined;
  /** As the upstream says it. Clients are told this one: an answer never claims another model than the one that made it. */
  readonly model?: string | undefined;
  readonly createdSeconds?: number | undefined;
  readonly choices: readonly Choice[];
  readonly usage?: IrUsage | undefined;
  readonly serviceTier?: string | undefined;
  readonly systemFingerprint?: string | undefined;
}
