import type { Dialect } from './dialect.ts';
import type { IrAnswer } from './ir/answer.ts';
import type { IrEvent, ServerEvent } from './ir/events.ts';
import type { JsonRecord } from './ir/json.ts';
import type { Losses } from './ir/losses.ts';
import type { IrRequest } from './ir/request.ts';

/** The upstream side of an exchange: where a request goes and an answer comes from. */
export interface Party {
  readonly dialect: Dialect;
  /** Stable id of the account. */
  readonly account: string;
  /** Who made what is signed there: `anthropic`, `google`, `openai`, or the operator's name of the endpoint. */
  readonly vendor: string;
  /** `ProviderKind` of the account; a few vendors differ in what they take. */
  readonly provider: string;
  /** As the upstream calls it; generations of one vendor's models differ in what they take. */
  readonly model?: string | undefined;
  /** Most tokens of an answer, where the operator says it; what is known by the model's name gives way. */
  readonly maxOutputTokens?: number | undefined;
}

/** What an answer's encoder needs to know beside the answer. */
export interface AnswerContext {
  readonly request: IrRequest;
  /** The model's name as the client sent it; stated only where the upstream names none. */
  readonly model: string;
  readonly nowSeconds: number;
  /** A fresh id, e.g. `newId('resp_')`; random, of letters and digits. */
  readonly newId: (prefix: string) => string;
  /** Whoever made the signatures of this answer. */
  readonly source: Party;
}

/** Turns one upstream stream into events. Holds under any chunking, since it is given whole server-sent events. */
export interface StreamDecoder {
  readonly push: (event: ServerEvent) => readonly IrEvent[];
  /** The upstream has no more to say. Without the dialect's terminal mark the last event is `error` (`stream_truncated`), never `end`. */
  readonly end: () => readonly IrEvent[];
}

/**
 * Turns events into one client stream, as text for the wire. A state machine: what it is given out of order is a mistake
 * of a decoder (`TypeError`), and nothing its dialect forbids is written. After `end` or `error` it writes nothing more.
 */
export interface StreamEncoder {
  readonly push: (event: IrEvent) => string;
}

/** An error as one dialect's body says it. */
export interface IrError {
  readonly status: number;
  readonly message: string;
  /** In OpenAI's words: `invalid_request_error`, `rate_limit_error`, `api_error`, `overloaded_error` … */
  readonly type: string;
  readonly code?: string | undefined;
  readonly param?: string | undefined;
}

/**
 * One wire protocol, both directions. Pure: no I/O, no clock, no randomness of its own. Decoders of requests throw
 * `AppError` (`invalid_request`) naming the member; decoders of answers take what upstreams really send and throw
 * `TypeError` only for what is no answer at all.
 */
export interface DialectCodec {
  readonly dialect: Dialect;
  /** A field of `IrRequest` (`maxTokens`) as clients of this dialect call it (`max_tokens`); unknown names stay as they are. */
  readonly nameOf: (field: string) => string;
  /** A client's body. `isStream` is decided by the route (Gemini's by the verb). */
  readonly decodeRequest: (body: JsonRecord, isStream: boolean) => IrRequest;
  /** The body for an upstream, without the member that names the model. What it cannot say goes to `losses`. */
  readonly encodeRequest: (request: IrRequest, target: Party, losses: Losses) => JsonRecord;
  /** An upstream's whole answer. */
  readonly decodeAnswer: (body: unknown, source: Party) => IrAnswer;
  readonly encodeAnswer: (answer: IrAnswer, context: AnswerContext) => JsonRecord;
  readonly createStreamDecoder: (source: Party) => StreamDecoder;
  readonly createStreamEncoder: (context: AnswerContext) => StreamEncoder;
  /** Counting tokens without generating; undefined where the dialect has no such call. */
  readonly count: CountCodec | undefined;
  readonly decodeError: (status: number, body: unknown) => IrError;
  readonly encodeError: (error: IrError, requestId: string) => JsonRecord;
}

/** The dialect's call that counts a prompt's tokens: Anthropic's `count_tokens`, Gemini's `countTokens`, OpenAI's `responses/input_tokens`. */
export interface CountCodec {
  readonly decodeRequest: (body: JsonRecord) => IrRequest;
  /** What does not count towards the prompt (bounds, sampling) is left out without being listed. */
  readonly encodeRequest: (request: IrRequest, target: Party, losses: Losses) => JsonRecord;
  /** Tokens an upstream counted; undefined for an answer that states none. */
  readonly decodeAnswer: (body: unknown) => number | undefined;
  readonly encodeAnswer: (tokens: number) => JsonRecord;
}
