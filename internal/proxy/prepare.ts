import type { IncomingMessage } from 'node:http';
import { AppError } from '../fault/app-error.ts';
import { parseExact } from '../dialect/ir/exact-json.ts';
import { isRecord, listOf, textOf, type JsonRecord } from '../dialect/ir/json.ts';
import { inputItemsOf, outputAsInput } from '../dialect/openai-responses/transcript.ts';
import type { IrRequest } from '../dialect/ir/request.ts';
import type { PreparedRequest } from './exchange.ts';
import { withRememberedItems, type ItemMemory } from './item-memory.ts';
import { parseJsonBody, withMember, withModel, type JsonBody } from './json-body.ts';
import type { ProxyInbound } from './limits.ts';
import { readForm } from './media-body.ts';
import { multipartBoundary } from './multipart-scan.ts';
import type { ProxyOperation } from './operation.ts';
import type { ResponseOwners, ResponseStore } from './ports.ts';
import { resolvePrevious } from './previous-response.ts';
import { readBody, tooLargeWithMemory } from './read-body.ts';
import { accountOfReferences } from './references.ts';
import { decodeSpoken, spokenDialect } from './spoken-dialect.ts';

export interface PrepareDeps {
  readonly owners: ResponseOwners;
  readonly store: ResponseStore;
  readonly items: ItemMemory;
  /** Folder for forms too large for memory; ours, 0700. */
  readonly spoolDir: string;
}

/** Reads and checks the body of a POST. `modelInPath` is the Gemini target's. */
export async function prepareRequest(deps: PrepareDeps, inbound: ProxyInbound, operation: ProxyOperation, modelInPath: string | undefined): Promise<PreparedRequest> {
  const contentType = inbound.req.headers['content-type'] ?? 'application/json';
  if (operation.body === 'media') {
    const boundary = multipartBoundary(contentType);
    if (boundary !== undefined) return prepareForm(deps, inbound, operation, boundary);
  }
  if (!isJsonType(contentType)) {
    const wanted = operation.body === 'media' ? 'application/json or multipart/form-data with a boundary' : 'application/json';
    throw new AppError('unsupported_media_type', { message: `Send the body as ${wanted}.` });
  }
  return prepareJson(deps, inbound, operation, modelInPath);
}

function isJsonType(contentType: string): boolean {
  const type = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  return type === 'application/json' || (type.startsWith('application/') && type.endsWith('+json'));
}

async function prepareJson(deps: PrepareDeps, inbound: ProxyInbound, operation: ProxyOperation, modelInPath: string | undefined): Promise<PreparedRequest> {
  const bytes = await readBody(inbound.req, inbound.snapshot.limits.maxBodyBytes);
  return prepareBytes(deps, inbound, { operation, modelInPath, bytes });
}

/** A JSON request whose body is here. */
export interface BodyAtHand {
  readonly operation: ProxyOperation;
  /** The Gemini target's. */
  readonly modelInPath: string | undefined;
  readonly bytes: Buffer;
}

/** Checks a body and makes it ready to be sent to any candidate. */
export function prepareBytes(deps: PrepareDeps, inbound: ProxyInbound, { operation, modelInPath, bytes }: BodyAtHand): PreparedRequest {
  const { limits } = inbound.snapshot;
  const sent = parseJsonBody(bytes);
  const refersBack = operation.operation === 'responses' || operation.operation === 'responses-count';
  const { body: resolved, pinnedAccountId: previousAccountId, previousStoredId } = refersBack ? resolvePrevious(deps, inbound.principal, sent, limits.maxBodyBytes) : { body: sent, pinnedAccountId: undefined, previousStoredId: undefined };
  const body = refersBack ? withRememberedItems(resolved, (id) => deps.items.find(inbound.principal.id, id), limits.maxBodyBytes) : resolved;
  if (body.bytes.length > limits.maxBodyBytes) throw tooLargeWithMemory(limits.maxBodyBytes);
  const model = modelInPath ?? body.model;
  if (model === undefined || model === '') throw new AppError('missing_model', { fields: { param: 'model' } });
  const referred = limits.hasOneCaller ? undefined : accountOfReferences(body.bytes, deps.owners, inbound.principal);
  const pinnedAccountId = previousAccountId ?? referred;
  const isStream = operation.dialect === 'gemini' ? operation.tail === 'streamGenerateContent' : body.isStream;
  const spoken = spokenDialect(operation, body);
  let decoded: IrRequest | undefined;
  const addsUsage = limits.addsStreamUsage && isStream && !body.hasStreamOptions && (operation.operation === 'chat' || operation.operation === 'completions');
  return {
    operation,
    method: 'POST',
    model,
    isStream,
    requestBytes: body.bytes.length,
    open: (upstreamModel) => {
      const named = operation.modelIn === 'path' ? body.bytes : withModel(body, upstreamModel);
      const bytes = addsUsage ? withMember(named, 'stream_options', { include_usage: true }) : named;
      return { body: bytes, length: bytes.length };
    },
    spoken,
    decode: (codec) => (decoded ??= decodeSpoken(codec, objectIn(body.bytes), operation, isStream)),
    bytes: body.bytes,
    pinnedAccountId,
    keepHere: operation.operation === 'responses' && !body.isStoreOff ? keeperOf(deps, inbound, sent, previousStoredId) : undefined,
    isStored: operation.operation === 'responses' && !body.isStoreOff,
    dispose: async () => {},
  };
}

/** The body, which was checked to hold an object; its numbers exact. */
function objectIn(bytes: Buffer): JsonRecord {
  const value = parseExact(bytes.toString('utf8'));
  return isRecord(value) ? value : {};
}

/** Keeps the turn for who asked: its items for a while, all of it where the operator wants that. `sent`: with the turn's own input alone. */
function keeperOf({ store, items }: PrepareDeps, { principal, snapshot: { limits } }: ProxyInbound, sent: JsonBody, previousId: string | undefined): (response: JsonRecord) => void {
  return (response) => {
    items.remember(principal.id, response);
    const id = textOf(response['id']);
    if (id === undefined || !limits.storesResponses) return;
    const input = ownInput(objectIn(sent.bytes));
    if (input !== undefined) store.save({ id, principalId: principal.id, previousId, response, input, output: outputAsInput(listOf(response['output']).filter(isRecord)) });
  };
}

/** Undefined for what an upstream took and no turn could follow. */
function ownInput(request: JsonRecord): readonly JsonRecord[] | undefined {
  try {
    return inputItemsOf(request);
  } catch {
    return undefined;
  }
}

async function prepareForm(deps: PrepareDeps, inbound: ProxyInbound, operation: ProxyOperation, boundary: string): Promise<PreparedRequest> {
  const form = await readForm(inbound.req, boundary, inbound.snapshot.limits.maxBodyBytes, deps.spoolDir);
  if (form.model === undefined || form.model === '') {
    await form.dispose();
    throw new AppError('missing_model', { message: 'The form has no "model" part.', fields: { param: 'model' } });
  }
  return {
    operation,
    method: 'POST',
    model: form.model,
    isStream: false,
    requestBytes: declaredLength(inbound.req),
    open: form.open,
    spoken: operation.dialect,
    decode: undefined,
    bytes: undefined,
    keepHere: undefined,
    pinnedAccountId: undefined,
    isStored: false,
    dispose: form.dispose,
  };
}

function declaredLength(req: IncomingMessage): number {
  return Number(req.headers['content-length'] ?? 0);
}
