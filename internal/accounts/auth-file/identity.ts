import { sha256Hex } from '../../secret/digest.ts';
import { claimText, openAiAccountId, readClaims } from './claims.ts';
import { identityName } from './field-names.ts';
import { textOf, type Members } from './members.ts';

/** What a file says of who its account is. */
export interface IdentityFacts {
  /** A member's text, or what stands in its place (a claim of the id token, a part of the service account). */
  readonly fact: (name: string) => string | undefined;
}

/**
 * All names under which an account may be known, the strongest first: ids of account and workspace, then what is left
 * when a file knows less, down to the e-mail. Empty when the file has nothing but tokens.
 */
export function identityCandidates(provider: string, { fact }: IdentityFacts): readonly string[] {
  const email = fact('email')?.toLowerCase();
  const byEmail = named('email', email);
  switch (provider) {
    case 'anthropic': {
      const account = fact('account_uuid');
      return found(named('account', account, fact('organization_uuid')), named('account', account), byEmail);
    }
    case 'codex': {
      // Members of a team share the workspace's id, so it takes the person as well.
      const account = fact('account_id');
      return found(named('account', account, email ?? fact('sub')), named('account', account), byEmail);
    }
    case 'google':
    case 'antigravity':
      return found(named('email', email, fact('project_id')), byEmail);
    case 'vertex':
      return found(named('service-account', fact('project_id'), email, fact('location') ?? 'us-central1'));
    case 'qwen':
      // A name that the person made up, unless it is an address.
      return found(named('sub', fact('sub')), email?.includes('@') === true ? byEmail : undefined);
    default:
      return found(named('sub', fact('sub')), named('account', fact('account_id')), named('user', fact('user_id')), byEmail);
  }
}

/** Names of accounts whose files hold nothing but tokens; they stay when the tokens change, by the member `keyward_identity`. */
const opaque = /^(?:rt|key|at):[\da-f]{32}$/;

/**
 * Who the account is. The name that Keyward wrote into the file counts as long as the file does not contradict it, so that
 * facts which come with a refresh do not make another account of it; then the strongest there is; then a mark of the first secret.
 */
export function identityOf(members: Members, candidates: readonly string[], fileName: string): string {
  const pinned = pinnedIdentity(members);
  if (pinned !== undefined && (opaque.test(pinned) || candidates.includes(pinned))) return pinned;
  return candidates[0] ?? markOf(members) ?? `file:${fileName}`;
}

export function pinnedIdentity(members: Members): string | undefined {
  return textOf(members.top(identityName));
}

function markOf(members: Members): string | undefined {
  const marks = [['rt', 'refresh_token'], ['key', 'api_key'], ['key', 'cookie'], ['at', 'access_token']] as const;
  for (const [kind, name] of marks) {
    const secret = textOf(members.everywhere(name));
    if (secret !== undefined) return `${kind}:${sha256Hex(secret).slice(0, 32)}`;
  }
  return undefined;
}

/** Facts that a file may have without a member of that name. */
export const standIns = ['account_id', 'project_id', 'email', 'sub'] as const;

/** Facts of a file, its id token's claims and its service account taken together. */
export function factsOf(provider: string, members: Members): IdentityFacts {
  const claims = readClaims(textOf(members.everywhere('id_token')));
  // Kimi issues no id token; its access token names the user.
  const accessClaims = provider === 'kimi' ? readClaims(textOf(members.everywhere('access_token'))) : undefined;
  const account = serviceAccountOf(members);
  const instead = (name: string): string | undefined => {
    switch (name) {
      case 'account_id':
        return openAiAccountId(claims);
      case 'project_id':
        return claimText(account, 'project_id');
      case 'email':
        return claimText(claims, 'email') ?? claimText(account, 'client_email');
      case 'sub':
        return claimText(claims, 'sub') ?? claimText(accessClaims, 'sub');
      default:
        return undefined;
    }
  };
  return { fact: (name) => textOf(members.everywhere(name)) ?? instead(name) };
}

function serviceAccountOf(members: Members): ReadonlyMap<string, unknown> | undefined {
  const value = members.top('service_account')[0]?.value;
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
}

/** `kind:a/b`; undefined when a part is missing. */
function named(kind: string, ...parts: readonly (string | undefined)[]): string | undefined {
  const present = parts.filter((part) => part !== undefined);
  return present.length < parts.length ? undefined : `${kind}:${present.map((part) => part.replaceAll('%', '%25').replaceAll('/', '%2F')).join('/')}`;
}

function found(...names: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(names.filter((name) => name !== undefined))];
}
