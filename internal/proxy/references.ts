import { itemIdPrefix } from '../dialect/stream-watch.ts';
import { AppError } from '../fault/app-error.ts';
import type { Principal } from '../clients/principal.ts';
import type { ResponseOwners } from './ports.ts';

/*
 * Things made upstream belong to who made them (security rule 15). Responses and their items are bound when they go by; files
 * and vector stores are made elsewhere, so that nobody who calls here is known to own them. With a single caller there is
 * nobody to keep apart, and nothing is looked at.
 */

/** What a body refers to at the upstream. */
interface References {
  readonly itemIds: readonly string[];
  /** The first file, container or vector store it names. */
  readonly foreign: { readonly member: string } | undefined;
}

const marks = [Buffer.from('"thread"'), Buffer.from('"id"'), Buffer.from('file_id'), Buffer.from('vector_store_ids'), Buffer.from('"container"')] as const;

/**
 * The account that made what the body refers to; undefined when it refers to nothing. Errors: `response_not_found` for ids
 * of others and for files.
 */
export function accountOfReferences(bytes: Buffer, owners: ResponseOwners, principal: Principal): string | undefined {
  if (!marks.some((mark) => bytes.includes(mark))) return undefined;
  const body: unknown = JSON.parse(bytes.toString('utf8'));
  // A conversation that Anthropic keeps; SDKs send it whole when it is not found.
  if (memberOf(memberOf(body, 'thread'), 'type') === 'continue') throw new AppError('item_not_found', { message: 'With several client keys Keyward cannot tell whose thread this is. Send the whole conversation.', fields: { param: 'thread', details: { error_code: 'thread_not_found' } } });
  const { itemIds, foreign } = findReferences(body);
  if (foreign !== undefined) throw new AppError('response_not_found', { message: `"${foreign.member}" names something made at the upstream directly; with several client keys Keyward cannot tell whose it is.`, fields: { param: foreign.member } });
  let accountId: string | undefined;
  for (const id of itemIds) {
    const owner = owners.find(`${itemIdPrefix}${id}`);
    if (owner === undefined || owner.principalId !== principal.id) throw new AppError('response_not_found', { message: 'No item of yours has an id that the input refers to.', fields: { param: 'input' } });
    accountId = owner.accountId;
  }
  return accountId;
}

function findReferences(body: unknown): References {
  const itemIds = listOf(memberOf(body, 'input')).flatMap((item) => {
    const id = memberOf(item, 'id');
    // An item reference is an id alone; its type may be left out. Whole items that carry their own id refer to nothing.
    const isReference = memberOf(item, 'type') === 'item_reference' || (memberOf(item, 'type') ?? memberOf(item, 'role')) === undefined;
    return isReference && typeof id === 'string' ? [id] : [];
  });
  const inContent = ['input', 'messages'].map((name) => findMember(memberOf(body, name), new Set(['file_id']), 0));
  const tools = listOf(memberOf(body, 'tools')).filter((tool) => memberOf(tool, 'type') !== 'function' && memberOf(tool, 'input_schema') === undefined);
  const inTools = findMember(tools, new Set(['file_id', 'file_ids', 'vector_store_ids']), 0);
  const container = typeof memberOf(body, 'container') === 'string' || tools.some((tool) => typeof memberOf(tool, 'container') === 'string') ? 'container' : undefined;
  const member = [...inContent, inTools, container].find((found) => found !== undefined);
  return { itemIds, foreign: member === undefined ? undefined : { member } };
}

/** The name of the first member of that name whose value is text or a list of texts; nesting is bounded by the scan before. */
function findMember(value: unknown, names: ReadonlySet<string>, depth: number): string | undefined {
  if (typeof value !== 'object' || value === null || depth > 256) return undefined;
  for (const [name, member] of Object.entries(value)) {
    if (names.has(name) && (typeof member === 'string' || (Array.isArray(member) && member.some((each) => typeof each === 'string')))) return name;
    const found = findMember(member, names, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
