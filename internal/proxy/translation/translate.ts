import type { Account } from '../../accounts/account.ts';
import { AppError } from '../../fault/app-error.ts';
import type { Dialect } from '../../dialect/dialect.ts';
import { codecs } from '../../dialect/codecs.ts';
import { createArrayWriter } from '../../dialect/gemini/events-to-array.ts';
import { isRecord, parseJson, type JsonRecord } from '../../dialect/ir/json.ts';
import { createLosses } from '../../dialect/ir/losses.ts';
import type { IrRequest } from '../../dialect/ir/request.ts';
import { randomHex } from '../../secret/digest.ts';
import type { Clock } from '../../clock/clock.ts';
import type { AttemptTranslation } from '../attempt.ts';
import type { KeepAlive } from '../keep-alive.ts';
import { partyOf } from '../party.ts';
import { onlyStreams } from '../plan.ts';
import { operations, type ProxyOperation } from '../operation.ts';
import { createTranslatedSink } from './translated-sink.ts';
import type { StreamReshaper } from './write-answer.ts';

/** A request in an upstream's dialect, and what brings its answer back. */
export interface Translated {
  readonly operation: ProxyOperation;
  /** Of the upstream's target, with its `?`; empty for none. */
  readonly query: string;
  readonly body: Buffer;
  readonly isUpstreamStream: boolean;
  /** The client speaks the upstream's dialect, so that its headers go up as they do otherwise. */
  readonly isOwnDialect?: boolean | undefined;
  /** What the target cannot say and the client can do without, in the client's words. */
  readonly dropped: readonly string[];
  readonly carryBack: AttemptTranslation;
}

export interface TranslateOptions {
  /** Of the answer. */
  readonly client: Dialect;
  /** Of the request. */
  readonly spoken: Dialect;
  readonly target: Dialect;
  readonly account: Account;
  readonly request: IrRequest;
  /** As the client named it. */
  readonly model: string;
  readonly upstreamModel: string;
  readonly requestId: string;
  /** The client reads a stream as events, not as Gemini's array. */
  readonly readsEvents: boolean;
  readonly clock: Clock;
  readonly keepAlive: KeepAlive;
}

/** Errors: `unsupported_parameter` for what the target cannot say and the client cannot do without. */
export function translateRequest(options: TranslateOptions): Translated {
  const { client: clientDialect, target, account, request, upstreamModel, requestId, clock, keepAlive } = options;
  const client = codecs[clientDialect];
  const upstream = codecs[target];
  const source = partyOf(account, target, upstreamModel);
  const losses = createLosses(target, codecs[options.spoken].nameOf, request.places);
  const isUpstreamStream = request.isStream || onlyStreams(account);
  const encoded = upstream.encodeRequest(isUpstreamStream === request.isStream ? request : { ...request, isStream: isUpstreamStream }, source, losses);
  const operation = generating(target, isUpstreamStream);
  const body = operation.modelIn === 'path' ? encoded : { model: upstreamModel, ...encoded };
  const context = { request, model: options.model, nowSeconds: Math.floor(clock.nowMs() / 1_000), newId: (prefix: string) => `${prefix}${randomHex(16)}`, source };
  return {
    operation,
    query: target === 'gemini' && isUpstreamStream ? '?alt=sse' : '',
    body: Buffer.from(JSON.stringify(body)),
    isUpstreamStream,
    dropped: losses.dropped(),
    carryBack: {
      openSink: (res, head, { isStream, secrets, onFirstByte }) =>
        createTranslatedSink({
          res,
          head,
          upstream,
          client,
          context,
          requestId,
          isClientStream: request.isStream,
          isUpstreamStream: isStream,
          secrets,
          onFirstByte,
          reshape: options.readsEvents || !request.isStream ? undefined : arrayForm(),
          clock,
          keepAlive,
        }),
      translateRefusal: (status, refusal) => Buffer.from(JSON.stringify(client.encodeError(upstream.decodeError(status, parseJson(refusal.toString('utf8'))), requestId))),
    },
  };
}

export function recordOf(bytes: Buffer): JsonRecord {
  const body = parseJson(bytes.toString('utf8'));
  if (!isRecord(body)) throw new AppError('invalid_json', { message: 'The body is not a JSON object.' });
  return body;
}

function generating(dialect: Dialect, isStream: boolean): ProxyOperation {
  switch (dialect) {
    case 'openai-chat':
      return operations.chat;
    case 'openai-responses':
      return operations.responses;
    case 'anthropic-messages':
      return operations.messages;
    case 'gemini':
      return { dialect, operation: 'gemini-generate', tail: isStream ? 'streamGenerateContent' : 'generateContent', body: 'json', modelIn: 'path', answers: 'text' };
  }
}

function arrayForm(): StreamReshaper {
  return { ...createArrayWriter(), headers: ['content-type', 'application/json; charset=UTF-8', 'x-accel-buffering', 'no'] };
}
