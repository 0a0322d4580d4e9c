import type { NewLogin } from '../accounts/directory/ports.ts';
import type { TokenSet } from '../accounts/token-set.ts';
import type { LoginProfile } from '../providers/login-profile.ts';
import { sha256Hex } from '../secret/digest.ts';

type Facts = Readonly<Record<string, unknown>>;

/** Ids of the account or workspace, the narrowest first: one e-mail in three workspaces is three files. */
const idFacts = ['organization_uuid', 'account_id', 'account_uuid', 'sub'] as const;

/**
 * The file name of a new login: type, 8 hex digits that stand for the account or workspace, e-mail (or the person's label),
 * project and plan, as far as they are known: `claude-1a2b3c4d-ann@example.com.json`. Without any of them, digits that stand
 * for the login itself.
 */
export function suggestName(profile: LoginProfile, facts: Facts, tokens: TokenSet, label: string | undefined): string {
  const ids = idFacts.map((name) => factText(facts, name)).filter((id) => id !== '');
  const who = factText(facts, 'email') || (label ?? '');
  const isGoogle = profile.provider === 'google' || profile.provider === 'antigravity';
  const own = ids.length > 0 && !isGoogle ? ids.join(' ') : who === '' ? (tokens.refreshToken?.reveal() ?? tokens.accessToken?.reveal() ?? '') : '';
  const parts = [profile.fileType, own === '' ? '' : sha256Hex(own).slice(0, 8), who, profile.provider === 'google' ? factText(facts, 'project_id') : '', factText(facts, 'plan_type')];
  return `${parts.filter((part) => part !== '').join('-')}.json`;
}

/** For people: `claude (ann@example.com)`. */
export function labelOf(profile: LoginProfile, facts: Facts, label: string | undefined): string {
  const who = factText(facts, 'email') || (label ?? '') || factText(facts, 'sub');
  return who === '' ? profile.fileType : `${profile.fileType} (${who})`;
}

export interface LoginParts {
  readonly profile: LoginProfile;
  readonly tokens: TokenSet;
  readonly facts: Facts;
  readonly clientId: string;
  readonly label: string | undefined;
}

/** What the auth directory stores of a login; enabled. */
export function buildNewLogin({ profile, tokens, facts, clientId, label }: LoginParts): NewLogin {
  return {
    type: profile.fileType,
    suggestedName: suggestName(profile, facts, tokens, label),
    isDisabled: false,
    tokens,
    facts: {
      // Vendors that do not tell whose account it is leave that to the person.
      ...(label === undefined ? {} : { email: label }),
      ...facts,
      // The refresh token stays with the client it was issued to, whatever the config says later (RFC 6749 §6).
      client_id: clientId,
    },
  };
}

function factText(facts: Facts, name: string): string {
  const value = facts[name];
  return typeof value === 'string' ? value : '';
}
