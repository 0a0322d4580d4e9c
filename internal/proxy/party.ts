import type { Account, ProviderKind } from '../accounts/account.ts';
import type { Party } from '../dialect/codec.ts';
import type { Dialect } from '../dialect/dialect.ts';

const vendors: Readonly<Partial<Record<ProviderKind, string>>> = { openai: 'openai', codex: 'openai', anthropic: 'anthropic', gemini: 'google', vertex: 'google', google: 'google', antigravity: 'google' };

/** The upstream side of an exchange, as codecs know it. */
export function partyOf(account: Account, dialect: Dialect, model: string): Party {
  const maxOutputTokens = account.models.find(({ name }) => name === model)?.maxOutputTokens;
  return { model, maxOutputTokens, dialect, account: account.id, vendor: vendors[account.provider] ?? account.owner, provider: account.provider };
}
