import type { DialectCodec } from '../dialect/codec.ts';
import type { Dialect } from '../dialect/dialect.ts';
import { memberOf, type JsonRecord } from '../dialect/ir/json.ts';
import type { IrRequest } from '../dialect/ir/request.ts';
import { scanObject } from '../dialect/json-scan.ts';
import { AppError } from '../fault/app-error.ts';
import type { JsonBody } from './json-body.ts';
import type { ProxyOperation } from './operation.ts';

const inputKey = Buffer.from('"input"');
const prompts: ReadonlySet<string> = new Set(['input', 'messages']);

/**
 * The dialect of a body, which is the path's but for one: Cursor's agents send requests of the Responses API to
 * `/v1/chat/completions` and read chunks of Chat Completions. Such a body has `input` and no `messages`, so that it is nothing else.
 * Errors: `unsupported_parameter` for what it refers to.
 */
export function spokenDialect({ operation, dialect }: ProxyOperation, body: JsonBody): Dialect {
  if (operation !== 'chat' || !body.bytes.includes(inputKey)) return dialect;
  const scan = scanObject(body.bytes, prompts);
  if (!scan.ok || !scan.members.has('input') || scan.members.has('messages')) return dialect;
  const reference = body.previousResponseId !== undefined ? 'previous_response_id' : body.hasConversation ? 'conversation' : undefined;
  if (reference !== undefined) throw new AppError('unsupported_parameter', { message: `"${reference}" cannot be honoured at /v1/chat/completions, whose answers nobody keeps. Send the whole conversation, or ask /v1/responses.`, fields: { param: reference } });
  return 'openai-responses';
}

/** Reads the body by the codec of its own dialect. What Chat Completions alone has of streams counts all the same. */
export function decodeSpoken(codec: DialectCodec, body: JsonRecord, { dialect }: ProxyOperation, isStream: boolean): IrRequest {
  if (dialect === codec.dialect) return codec.decodeRequest(body, isStream);
  const { stream_options: options, ...request } = body;
  return { ...codec.decodeRequest(request, isStream), includeUsage: memberOf(options, 'include_usage') === true };
}
