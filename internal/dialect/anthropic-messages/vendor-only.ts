import { AppError } from '../../fault/app-error.ts';
import { isRecord, listOf, type JsonRecord } from '../ir/json.ts';

/**
 * Members of a request that only Anthropic can honour and that no other vendor's model may answer as if they were not there.
 * Errors: `unsupported_parameter`; `item_not_found` for a thread that is to be gone on with.
 */
export function refuseVendorOnly(body: JsonRecord): void {
  refuseThread(body['thread']);
  if (isRecord(body['compaction'])) throw refusal('compaction', 'only its own vendor compacts a conversation');
  if (listOf(body['mcp_servers']).length > 0 && listOf(body['tools']).length === 0) throw refusal('mcp_servers', 'only its own vendor calls MCP servers, and the request has no other tools');
  const place = body['inference_geo'];
  if (typeof place === 'string' && place !== 'global') throw refusal('inference_geo', 'where other vendors run their models is not theirs to choose by request');
  if (body['max_tokens'] === 0) throw refusal('max_tokens', 'only its own vendor fills a prompt cache without an answer');
}

/**
 * Threads are kept by Anthropic. `details` says it as the API does, so that SDKs send the whole conversation instead.
 * @see https://platform.claude.com/docs/en/api/errors
 */
function refuseThread(thread: unknown): void {
  if (!isRecord(thread)) return;
  if (thread['type'] === 'continue') throw new AppError('item_not_found', { message: 'The model is not served where this thread is kept. Send the whole conversation.', fields: { param: 'thread', details: { error_code: 'thread_not_found' } } });
  throw refusal('thread', 'only its own vendor keeps threads; send the whole conversation each time', { details: { error_code: 'thread_unsupported_request', unsupported: [] } });
}

function refusal(param: string, why: string, more: JsonRecord = {}): AppError {
  return new AppError('unsupported_parameter', { message: `"${param}" cannot be honoured: ${why}. Leave it out, or use a model that is served in your client's own dialect.`, fields: { param, ...more } });
}
