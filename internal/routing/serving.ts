import type { Account, ProviderKind } from '../accounts/account.ts';
import type { Operation } from '../dialect/dialect.ts';
import type { RouteQuery, RoutingSettings } from './ports.ts';

const allButChat: ReadonlySet<Operation> = new Set<Operation>(['completions', 'embeddings', 'images', 'audio']);

/** Operations that a vendor lacks although it speaks their dialect: these have chat alone of OpenAI's form. */
const lacking: Readonly<Partial<Record<ProviderKind, ReadonlySet<Operation>>>> = { anthropic: allButChat, iflow: allButChat, qwen: allButChat, kimi: allButChat };

/** Whether the account speaks the query's dialect and its vendor has the endpoint. */
export function servesQuery(account: Account, query: Pick<RouteQuery, 'dialect' | 'operation'>): boolean {
  // Code Assist generates and counts; it has no embeddings.
  if (account.addressing === 'code-assist' && query.operation === 'gemini-embed') return false;
  return account.dialects.includes(query.dialect) && lacking[account.provider]?.has(query.operation) !== true;
}

/** Whether the operator lets the account take requests at all. */
export function isSwitchedOn(account: Account, settings: RoutingSettings): boolean {
  return !account.disabled && (account.weight > 0 || settings.strategy !== 'weighted-round-robin');
}
