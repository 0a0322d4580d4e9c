import { AppError } from '../fault/app-error.ts';
import { invalidMember, textOf, type JsonRecord } from '../dialect/ir/json.ts';
import type { ProxyInbound } from './limits.ts';
import type { ResponseStore, StoredResponse, StoredTurn } from './ports.ts';
import { tooLargeWithMemory } from './read-body.ts';

/** Turns of one conversation; a longer chain is taken for a broken one. */
const maxTurns = 10_000;

/**
 * The conversation that a stored response ends, as input items of the turn that follows; undefined where any turn of it is not,
 * or no longer, kept. Nothing is read before all is known to fit. Error: `body_too_large` beyond `maxBytes`.
 */
export function transcriptOf(store: ResponseStore, responseId: string, principalId: string, maxBytes: number): readonly JsonRecord[] | undefined {
  const ids: string[] = [];
  let bytes = 0;
  for (let id: string | undefined = responseId; id !== undefined; ) {
    const turn: StoredTurn | undefined = ids.length < maxTurns ? store.measure(id, principalId) : undefined;
    if (turn === undefined) return undefined;
    ids.push(id);
    bytes += turn.bytes;
    id = turn.previousId;
  }
  if (bytes > maxBytes) throw tooLargeWithMemory(maxBytes);
  return ids.toReversed().flatMap((id) => {
    const turn = store.find(id, principalId);
    return turn === undefined ? [] : [...turn.input, ...turn.output];
  });
}

/**
 * `GET` and `DELETE /v1/responses/:id`, and `GET …/input_items`, of a response kept here. Errors: `response_not_found`,
 * `unsupported_parameter`, `invalid_request` for a page that cannot be. `headers`: of a good answer, flat.
 * @see https://platform.openai.com/docs/api-reference/responses/get
 */
export function answerStored(store: ResponseStore, { method, params, principal, res, id: requestId, target }: ProxyInbound, headers: readonly string[] = []): void {
  const sendJson = (answer: JsonRecord): void => {
    const body = JSON.stringify(answer);
    res.writeHead(200, ['x-request-id', requestId, ...headers, 'content-type', 'application/json', 'content-length', String(Buffer.byteLength(body))]);
    res.end(body);
  };
  const id = params['id'] ?? '';
  const stored = store.find(id, principal.id);
  if (stored === undefined) throw new AppError('response_not_found', { fields: { param: 'id' } });
  if (method === 'DELETE') {
    store.remove(id, principal.id);
    sendJson({ id, object: 'response', deleted: true });
  } else if (params['part'] === 'input_items') sendJson(inputPage(stored, new URLSearchParams(target.query)));
  else if (new URLSearchParams(target.query).get('stream') === 'true') throw new AppError('unsupported_parameter', { message: 'A response that Keyward keeps is given whole; it cannot be streamed again.', fields: { param: 'stream' } });
  else sendJson(stored.response);
}

const defaultPage = 20;
const maxPage = 100;

/** @see https://platform.openai.com/docs/api-reference/responses/input-items */
function inputPage(stored: StoredResponse, query: URLSearchParams): JsonRecord {
  const order = query.get('order') ?? 'desc';
  if (order !== 'asc' && order !== 'desc') throw invalidMember('order', '"asc" or "desc"');
  const limit = query.get('limit') ?? String(defaultPage);
  if (!/^[1-9]\d{0,2}$/.test(limit) || Number(limit) > maxPage) throw invalidMember('limit', `a whole number from 1 to ${maxPage}`);
  if (query.has('before')) throw new AppError('unsupported_parameter', { message: '"before" is not offered; go on with "after", in the order you ask for.', fields: { param: 'before' } });
  const items = withIds(stored);
  const ordered = order === 'asc' ? items : items.toReversed();
  const after = query.get('after');
  const start = after === null ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  if (after !== null && start === 0) throw invalidMember('after', 'the id of an item of this response’s input');
  const data = ordered.slice(start, start + Number(limit));
  return { object: 'list', data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: start + data.length < ordered.length };
}

/** Each by an id of its own, so that a list can be gone on with after it. */
function withIds({ id, input }: StoredResponse): readonly (JsonRecord & { readonly id: string })[] {
  const used = new Set<string>();
  return input.map((item, index) => {
    const own = textOf(item['id']);
    const itemId = own === undefined || used.has(own) ? `${id.replace(/^resp_/, 'msg_')}_${index}` : own;
    used.add(itemId);
    return { ...item, id: itemId };
  });
}
