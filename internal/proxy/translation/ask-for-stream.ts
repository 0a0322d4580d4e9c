import type { Party } from '../../dialect/codec.ts';
import { withoutForeignSignatures } from '../../dialect/foreign-signatures.ts';
import { createEventReader } from '../../dialect/ir/event-reader.ts';
import type { ServerEvent } from '../../dialect/ir/events.ts';
import { isRecord, listOf, memberOf, numberOf, parseJson, textOf, type JsonRecord } from '../../dialect/ir/json.ts';
import { encodeError, streamErrorIn } from '../../dialect/openai-responses/error.ts';
import type { StreamError } from '../../dialect/stream-error.ts';
import type { OpeningError } from '../../dialect/stream-opening.ts';
import { readUsage } from '../../dialect/token-usage.ts';
import type { ClientAnswer } from '../../http/client-answer.ts';
import { createWholeSink, type AnswerHead, type AnswerSink } from '../answer-sink.ts';
import { readMember, withMemberSet } from '../json-body.ts';
import type { ProxyOperation } from '../operation.ts';
import { errorWithoutSecrets } from '../secret-guard.ts';
import { tooLarge } from './answer-faults.ts';
import type { Translated } from './translate.ts';
import { withoutBodyHeaders } from './write-answer.ts';

/*
 * ChatGPT's backend answers in streams alone and keeps nothing. A client of its own dialect that wants its response in one piece is
 * asked for as a stream, which is put together; all else of request and response stays as it is.
 */

const dialect = 'openai-responses';

export interface AskForStreamOptions {
  readonly operation: ProxyOperation;
  /** Of the upstream's target, with its `?`. */
  readonly query: string;
  /** The client's body with the upstream's name of the model. */
  readonly body: Buffer;
  readonly source: Party;
  readonly requestId: string;
}

export function askForStream({ operation, query, body, source, requestId }: AskForStreamOptions): Translated {
  const wantsStore = readMember(body, 'store') === true;
  return {
    operation,
    query,
    body: withMemberSet(withMemberSet(withoutForeignSignatures(body, source), 'stream', true), 'store', false),
    isUpstreamStream: true,
    isOwnDialect: true,
    dropped: wantsStore ? ['store'] : [],
    carryBack: {
      openSink: (res, head, { isStream, secrets }) => (isStream ? createCollectingSink(res, head, { requestId, secrets }) : createWholeSink(res, head, { dialect, isHeld: true, secrets })),
      translateRefusal: (_, refusal) => refusal,
    },
  };
}

/** As a stream; most of those bytes are wrapping. */
const maxBytes = 128 * 1024 * 1024;
const endings: ReadonlySet<unknown> = new Set(['response.completed', 'response.incomplete']);
const failures: ReadonlySet<unknown> = new Set(['error', 'response.failed', 'response.cancelled']);

/** Answers with the response that the stream ends with. Its items may stand in the events before alone. */
function createCollectingSink(res: ClientAnswer, head: AnswerHead, { requestId, secrets }: { readonly requestId: string; readonly secrets: readonly string[] }): AnswerSink {
  const reader = createEventReader();
  const items: { readonly index: number; readonly item: JsonRecord }[] = [];
  let response: JsonRecord | undefined;
  let failure: OpeningError | undefined;
  let size = 0;

  const failed = (error: StreamError): OpeningError => {
    const status = error.status >= 400 && error.status < 600 ? error.status : 502;
    return { status, body: Buffer.from(JSON.stringify(encodeError({ ...error, status }, requestId))) };
  };
  const take = ({ event, data }: ServerEvent): void => {
    const payload = parseJson(data);
    if (!isRecord(payload) || response !== undefined || failure !== undefined) return;
    const type = textOf(payload['type']) ?? event;
    if (type === 'response.output_item.done' && isRecord(payload['item'])) items.push({ index: numberOf(payload['output_index']) ?? items.length, item: payload['item'] });
    else if (endings.has(type) && isRecord(payload['response'])) response = payload['response'];
    else if (failures.has(type)) {
      failure = failed(errorWithoutSecrets(streamErrorIn(type === 'error' ? payload : payload['response']), secrets));
    }
  };

  return {
    isWhole: true,
    write: (chunk) => {
      size += chunk.length;
      if (size > maxBytes) failure ??= failed(tooLarge);
      else for (const event of reader.push(chunk)) take(event);
      return true;
    },
    end: () => (response === undefined || res.destroyed ? undefined : send(res, head, withItems(response, items))),
    breakOff: () => (response === undefined || res.destroyed ? undefined : send(res, head, withItems(response, items))),
    hasStarted: () => res.headersSent,
    failure: () => failure,
    isOver: () => false,
  };
}

function withItems(response: JsonRecord, items: readonly { readonly index: number; readonly item: JsonRecord }[]): JsonRecord {
  if (listOf(response['output']).length > 0) return response;
  return { ...response, output: items.toSorted((a, b) => a.index - b.index).map(({ item }) => item) };
}

function send(res: ClientAnswer, head: AnswerHead, response: JsonRecord): ReturnType<AnswerSink['end']> {
  const body = Buffer.from(JSON.stringify(response));
  res.writeHead(200, [...withoutBodyHeaders(head.headers), 'content-type', 'application/json', 'content-length', String(body.length)]);
  res.end(body.toString('latin1'), 'latin1');
  const usage = readUsage(dialect, memberOf(response, 'usage'));
  return { usage, storedIds: [], response, isTruncated: false, hasFailed: false, contentBytes: body.length, eventCount: 0 };
}
