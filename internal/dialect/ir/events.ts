import type { StreamError } from '../stream-error.ts';
import type { AnswerPart, Finish, IrUsage, TokenLogprob } from './answer.ts';
import type { Annotation, RawPart, Signature } from './parts.ts';

/** What opens a part of a streamed answer. Text, reasoning and arguments follow as deltas. */
export type PartOpening =
  | { readonly kind: 'text' }
  | { readonly kind: 'thinking'; readonly isSummary?: boolean | undefined; readonly id?: string | undefined }
  | { readonly kind: 'refusal' }
  | { readonly kind: 'tool_call'; readonly id: string; readonly name: string; readonly isCustom?: boolean | undefined };

/**
 * One step of a streamed answer. Order, per stream: `start`; then for each choice parts, each `open` → `delta`* → `close`,
 * where parts of one choice may overlap (`part` tells them apart and counts up from 0); then `finish` of each choice; `usage`
 * and `tier` at any time after `start`, later ones replace earlier; last `end`, or `error` in its place, after which nothing comes.
 * `whole` is a part that comes at once, opened and closed. A decoder closes what is open before `finish`.
 */
export type IrEvent =
  | { readonly type: 'start'; readonly id?: string | undefined; readonly model?: string | undefined; readonly createdSeconds?: number | undefined; readonly serviceTier?: string | undefined; readonly systemFingerprint?: string | undefined }
  | { readonly type: 'open'; readonly choice: number; readonly part: number; readonly opening: PartOpening }
  | { readonly type: 'delta'; readonly choice: number; readonly part: number; readonly text: string }
  /** Belongs to an open part. */
  | { readonly type: 'signature'; readonly choice: number; readonly part: number; readonly signature: Signature }
  | { readonly type: 'annotation'; readonly choice: number; readonly part: number; readonly annotation: Annotation }
  | { readonly type: 'logprobs'; readonly choice: number; readonly part: number; readonly tokens: readonly TokenLogprob[] }
  | { readonly type: 'close'; readonly choice: number; readonly part: number }
  | { readonly type: 'whole'; readonly choice: number; readonly part: number; readonly content: Extract<AnswerPart, { readonly kind: 'media' }> | RawPart }
  | { readonly type: 'finish'; readonly choice: number; readonly finish: Finish; readonly rawFinish?: string | undefined; readonly stopSequence?: string | undefined; readonly sources?: readonly Annotation[] | undefined }
  | { readonly type: 'usage'; readonly usage: IrUsage }
  /** The tier that served, where it is known later than the start, or is another than that one said. */
  | { readonly type: 'tier'; readonly serviceTier: string }
  /** The upstream said that it is still there. */
  | { readonly type: 'ping' }
  | { readonly type: 'end' }
  | { readonly type: 'error'; readonly error: StreamError };

/** One event of a `text/event-stream`: its name (`''` for none) and its data, lines joined. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}
