import type { Account } from '../../accounts/account.ts';
import { codecs } from '../../dialect/codecs.ts';
import type { Dialect } from '../../dialect/dialect.ts';
import { parseJson } from '../../dialect/ir/json.ts';
import { createLosses } from '../../dialect/ir/losses.ts';
import type { OpeningError } from '../../dialect/stream-opening.ts';
import type { ClientAnswer } from '../../http/client-answer.ts';
import type { AnswerHead, AnswerSink, AnswerSummary } from '../answer-sink.ts';
import { failureOf, tooLarge } from './answer-faults.ts';
import { estimateTokens } from './estimate-tokens.ts';
import { operations, type ProxyOperation } from '../operation.ts';
import { partyOf } from '../party.ts';
import { recordOf, type Translated } from './translate.ts';

/*
 * Counting tokens: asked of the upstream where it counts, else estimated. An estimate says so in `x-keyward-estimate`.
 */

export interface CountOptions {
  readonly client: Dialect;
  readonly account: Account;
  readonly bytes: Buffer;
  readonly upstreamModel: string;
  readonly requestId: string;
}

/** The count as another dialect's upstream is asked for it. Errors: `unsupported_parameter`, `invalid_request`. */
export function translateCount({ client: clientDialect, account, bytes, upstreamModel, requestId }: CountOptions, target: Dialect): Translated {
  const client = codecs[clientDialect];
  const upstream = codecs[target];
  const [asking, answering] = [upstream.count, client.count];
  if (asking === undefined || answering === undefined) throw new TypeError(`${target} counts no tokens`);
  const request = answering.decodeRequest(recordOf(bytes));
  const losses = createLosses(target, client.nameOf, request.places);
  const encoded = asking.encodeRequest(request, partyOf(account, target, upstreamModel), losses);
  const operation = countOperations[target];
  return {
    operation,
    query: '',
    body: Buffer.from(JSON.stringify(operation.modelIn === 'path' ? encoded : { model: upstreamModel, ...encoded })),
    dropped: losses.dropped(),
    isUpstreamStream: false,
    carryBack: {
      openSink: (res, head) => createCountSink(res, head, { decode: asking.decodeAnswer, encode: answering.encodeAnswer, overflow: () => failureOf(client, tooLarge, requestId) }),
      translateRefusal: (status, refusal) => Buffer.from(JSON.stringify(client.encodeError(upstream.decodeError(status, parseJson(refusal.toString('utf8'))), requestId))),
    },
  };
}

const countOperations: Readonly<Record<Dialect, ProxyOperation>> = {
  'openai-chat': operations.responsesInputTokens,
  'openai-responses': operations.responsesInputTokens,
  'anthropic-messages': operations.countTokens,
  gemini: { dialect: 'gemini', operation: 'gemini-count', tail: 'countTokens', body: 'json', modelIn: 'path', answers: 'text' },
};

const maxCountBytes = 1024 * 1024;

interface CountSinkOptions {
  readonly decode: (body: unknown) => number | undefined;
  readonly encode: (tokens: number) => object;
  readonly overflow: () => OpeningError;
}

function createCountSink(res: ClientAnswer, head: AnswerHead, { decode, encode, overflow }: CountSinkOptions): AnswerSink {
  const chunks: Buffer[] = [];
  let size = 0;
  let failure: OpeningError | undefined;
  return {
    isWhole: true,
    write: (chunk) => {
      size += chunk.length;
      if (size > maxCountBytes) failure ??= overflow();
      else chunks.push(chunk);
      return true;
    },
    end: () => {
      const tokens = decode(parseJson(Buffer.concat(chunks).toString('utf8')));
      return tokens === undefined ? undefined : sendCount(res, ['x-request-id', valueOf(head.headers, 'x-request-id')], encode(tokens));
    },
    breakOff: () => undefined,
    hasStarted: () => res.headersSent,
    failure: () => failure,
    isOver: () => false,
  };
}

/** Answers with Keyward's own estimate. */
export async function answerEstimate(res: ClientAnswer, dialect: Dialect, bytes: Buffer, requestId: string): Promise<AnswerSummary> {
  const codec = codecs[dialect];
  if (codec.count === undefined) throw new TypeError(`${codec.dialect} counts no tokens`);
  const tokens = await estimateTokens(codec.count.decodeRequest(recordOf(bytes)));
  return sendCount(res, ['x-request-id', requestId, 'x-keyward-estimate', 'tokens'], codec.count.encodeAnswer(tokens));
}

function sendCount(res: ClientAnswer, headers: readonly string[], answer: object): AnswerSummary {
  const body = Buffer.from(JSON.stringify(answer));
  if (!res.destroyed) {
    res.writeHead(200, [...headers, 'content-type', 'application/json', 'content-length', String(body.length)]);
    res.end(body);
  }
  return { usage: undefined, storedIds: [], response: undefined, isTruncated: false, hasFailed: false, contentBytes: body.length, eventCount: 0 };
}

function valueOf(flat: readonly string[], name: string): string {
  return flat[flat.indexOf(name) + 1] ?? '';
}
