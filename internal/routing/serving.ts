import type { Account, ProviderKind } from '../accounts/account.ts';
import type { Dialect, Operation } from '../dialect/dialect.ts';
import type { RouteQuery, RoutingSettings } from './ports.ts';

const allButChat: ReadonlySet<Operation> = new Set<Operation>(['completions', 'embeddings', 'images', 'audio', 'realtime']);

/** Operations that a vendor lacks although it speaks their dialect: these have chat alone of OpenAI's form. */
const lacking: Readonly<Partial<Record<ProviderKind, ReadonlySet<Operation>>>> = { anthropic: allButChat, iflow: allButChat, qwen: allButChat, kimi: allButChat };

/** Operations that every dialect has: generating, and counting what that would take. */
const translatable: ReadonlySet<Operation> = new Set<Operation>(['chat', 'responses', 'messages', 'gemini-generate', 'count-tokens', 'gemini-count', 'responses-count']);

/** The dialects to ask in, nearest to the client's first. */
const nearest: Readonly<Record<Dialect, readonly Dialect[]>> = {
  'openai-chat': ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'],
  'openai-responses': ['openai-responses', 'openai-chat', 'anthropic-messages', 'gemini'],
  'anthropic-messages': ['anthropic-messages', 'openai-responses', 'openai-chat', 'gemini'],
  gemini: ['gemini', 'openai-responses', 'openai-chat', 'anthropic-messages'],
};

/**
 * The dialect in which the account is asked for it: the client's own where it speaks that, else the nearest one it does, to be
 * translated (ADR 0012). Undefined where it cannot be asked: its vendor lacks the endpoint, and no other dialect has it.
 */
export function dialectFor(account: Account, query: Pick<RouteQuery, 'dialect' | 'operation'>): Dialect | undefined {
  // Code Assist generates and counts; it has no embeddings.
  if (account.addressing === 'code-assist' && query.operation === 'gemini-embed') return undefined;
  if (account.dialects.includes(query.dialect)) return lacking[account.provider]?.has(query.operation) === true ? undefined : query.dialect;
  return translatable.has(query.operation) ? nearest[query.dialect].find((dialect) => account.dialects.includes(dialect)) : undefined;
}

/** What an account is asked for in each dialect when it is to generate. */
export const generatingIn: Readonly<Record<Dialect, Operation>> = { 'openai-chat': 'chat', 'openai-responses': 'responses', 'anthropic-messages': 'messages', gemini: 'gemini-generate' };

const countingIn: Readonly<Partial<Record<Dialect, Operation>>> = { 'openai-responses': 'responses-count', 'anthropic-messages': 'count-tokens', gemini: 'gemini-count' };
const counting: ReadonlySet<Operation> = new Set<Operation>(['count-tokens', 'gemini-count', 'responses-count']);

/** What the upstream is asked for, translated or not: its endpoints cool by that, not by what the client called. */
export function operationAt(account: Account, query: Pick<RouteQuery, 'dialect' | 'operation'>): Operation {
  const dialect = dialectFor(account, query);
  if (dialect === undefined || dialect === query.dialect) return query.operation;
  return counting.has(query.operation) ? (countingIn[dialect] ?? query.operation) : generatingIn[dialect];
}

/** Whether the account can be asked for it, translated or not. */
export function servesQuery(account: Account, query: Pick<RouteQuery, 'dialect' | 'operation'>): boolean {
  return dialectFor(account, query) !== undefined;
}

/** Whether the operator lets the account take requests at all. */
export function isSwitchedOn(account: Account, settings: RoutingSettings): boolean {
  return !account.disabled && (account.weight > 0 || settings.strategy !== 'weighted-round-robin');
}
