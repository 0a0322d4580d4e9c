import { isRecord, listOf, memberOf, textOf, type JsonRecord } from '../dialect/ir/json.ts';
import { itemIdPrefix } from '../dialect/stream-watch.ts';
import { AppError } from '../fault/app-error.ts';
import type { Principal } from '../clients/principal.ts';
import type { ResponseOwners } from './ports.ts';

/*
 * Things made upstream belong to who made them (security rule 15). Responses and their items are bound when they go by. Files,
 * stores, containers, cached contents, prompts, skills, voices and the audio of an answer are bound to nobody: they are made
 * elsewhere, or in an answer that is not looked into for them, so that nobody who calls here is known to own them. With a
 * single caller there is nobody to keep apart, and nothing is looked at.
 */

/** Texts of which at least one stands in every body that refers to something. A name may be written with escapes. */
const marks = ['"id"', '"thread"', '"container"', 'file_id', 'vector_store_ids', 'container_id', 'skill_id', 'fileUri', 'file_uri', 'cachedContent', 'cached_content', 'earchStoreNames', 'search_store_names', '"retrieval"', '\\u00'].map((text) => Buffer.from(text));

/**
 * The account that made what the body refers to; undefined when it refers to nothing. Errors: `response_not_found` for ids
 * of others and for what nobody here is known to own.
 */
export function accountOfReferences(bytes: Buffer, owners: ResponseOwners, principal: Principal): string | undefined {
  if (!marks.some((mark) => bytes.includes(mark))) return undefined;
  const body: unknown = JSON.parse(bytes.toString('utf8'));
  // A conversation that Anthropic keeps; SDKs send it whole when it is not found.
  if (memberOf(memberOf(body, 'thread'), 'type') === 'continue') throw new AppError('item_not_found', { message: 'With several client keys Keyward cannot tell whose thread this is. Send the whole conversation.', fields: { param: 'thread', details: { error_code: 'thread_not_found' } } });
  const foreign = textOf(memberOf(memberOf(body, 'prompt'), 'id')) === undefined ? findForeign(body, '', 0) : 'prompt.id';
  if (foreign !== undefined) throw new AppError('response_not_found', { message: `"${foreign}" names something made at the upstream; with several callers Keyward cannot tell whose it is.`, fields: { param: foreign } });
  let accountId: string | undefined;
  for (const { id, isWhole } of referencesIn(body)) {
    const owner = owners.find(`${itemIdPrefix}${id}`);
    if (isWhole && (owner === undefined || owner.principalId === principal.id)) continue;
    if (owner === undefined || owner.principalId !== principal.id) throw new AppError('response_not_found', { message: 'No item of yours has an id that the input refers to.', fields: { param: 'input' } });
    accountId = owner.accountId;
  }
  return accountId;
}

interface ItemReference {
  readonly id: string;
  /** The item may be one that no upstream keeps: it is refused only where it is known to be another's. */
  readonly isWhole: boolean;
}

/**
 * An item reference is an id alone; its type may be left out. A picture without its bytes is one too, and reasoning that is
 * not sealed may be looked up by its id. All else that carries an id of its own refers to nothing.
 */
function referencesIn(body: unknown): readonly ItemReference[] {
  return listOf(memberOf(body, 'input')).flatMap((item) => {
    const [id, type] = [textOf(memberOf(item, 'id')), memberOf(item, 'type') ?? undefined];
    if (id === undefined) return [];
    const isBare = type === 'item_reference' || (type === undefined && (memberOf(item, 'role') ?? undefined) === undefined) || (type === 'image_generation_call' && isBlank(memberOf(item, 'result')));
    const isLookedUp = type === 'reasoning' && isBlank(memberOf(item, 'encrypted_content'));
    return isBare || isLookedUp ? [{ id, isWhole: !isBare }] : [];
  });
}

function isBlank(value: unknown): boolean {
  return (textOf(value) ?? '') === '';
}

/** The place of the first member that names something nobody here is known to own. Nesting is bounded by the scan before. */
function findForeign(value: unknown, name: string, depth: number): string | undefined {
  if (depth > 256) return undefined;
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) {
      const found = findForeign(each, name, depth + 1);
      if (found !== undefined) return `[${index}]${found.startsWith('[') ? '' : '.'}${found}`;
    }
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  for (const [key, member] of Object.entries(value)) {
    if (isOwnData(key, value, name)) continue;
    const inside = Object.hasOwn(foreignNames, key) ? foreignNames[key]?.(member, value) : undefined;
    if (inside !== undefined) return `${key}${inside}`;
    const found = findForeign(member, key, depth + 1);
    if (found !== undefined) return `${key}${found.startsWith('[') ? '' : '.'}${found}`;
  }
  return undefined;
}

/** Where below a member of that name the reference stands; undefined for none. */
type Reference = (value: unknown, holder: JsonRecord) => string | undefined;

const byText: Reference = (value) => (textOf(value) !== undefined || listOf(value).some((each) => typeof each === 'string') ? '' : undefined);
const byId: Reference = (value) => (textOf(memberOf(value, 'id')) === undefined ? undefined : '.id');
const byUri: Reference = (value) => (typeof value === 'string' && isUpstreamFile(value) ? '' : undefined);

const foreignNames: Readonly<Record<string, Reference>> = {
  file_id: byText,
  file_ids: byText,
  vector_store_ids: byText,
  container_id: byText,
  container: (value, holder) => (textOf(value) === undefined ? byId(value, holder) : ''),
  audio: byId,
  voice: byId,
  // The vendors' own skills are everybody's.
  skill_id: (value, { type }) => (type === 'anthropic' || (textOf(value) ?? 'openai-').startsWith('openai-') ? undefined : ''),
  cachedContent: byText,
  cached_content: byText,
  fileUri: byUri,
  file_uri: byUri,
  fileSearchStoreNames: byText,
  file_search_store_names: byText,
  retrieval: (value) => (isRecord(value) ? '' : undefined),
};

/** Schemas of tools, their arguments and results, and notes: whatever names are in them are the client's own. */
const ownNames: ReadonlySet<string> = new Set(['metadata', 'client_metadata', 'parameters', 'parametersJsonSchema', 'parameters_json_schema', 'input_schema', 'input_examples', 'output_schema', 'schema', 'responseSchema', 'response_schema', 'responseJsonSchema', 'response_json_schema', 'functionCall', 'function_call']);
const toolUses: ReadonlySet<unknown> = new Set(['tool_use', 'server_tool_use', 'mcp_tool_use']);

function isOwnData(key: string, holder: JsonRecord, holderName: string): boolean {
  // The body itself is no tool use, whatever it says.
  if (key === 'input') return holderName !== '' && toolUses.has(holder['type']);
  if (key === 'response') return holderName === 'functionResponse' || holderName === 'function_response';
  return ownNames.has(key);
}

/** Gemini takes addresses of the open web beside its own files, and Vertex those of buckets that the account may read. */
function isUpstreamFile(uri: string): boolean {
  if (!URL.canParse(uri)) return true;
  const { protocol, hostname, pathname } = new URL(uri);
  if (protocol !== 'https:' && protocol !== 'http:') return true;
  return hostname === 'googleapis.com' || hostname.endsWith('.googleapis.com') || /^(?:\/v\d\w*)?\/files\/[^/]+\/?$/.test(pathname);
}
