import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import { noTokens } from '../accounts/token-set.ts';
import type { Login } from '../providers/login.ts';
import type { GrantOutcome } from './ports.ts';
import { refreshLogin } from './refresh.ts';
import { later, type RefreshDeps, type RefreshNeed, type RefreshResult } from './refreshing.ts';

/** Asks whatever a login's tokens come from. Rejects only with the signal's reason. */
export async function askSource(deps: RefreshDeps & { readonly fileNamed: (name: string) => AuthFile | undefined }, login: Login, need: RefreshNeed, signal: AbortSignal): Promise<RefreshResult> {
  switch (login.source) {
    case 'refresh-token':
      return refreshLogin(deps, login, need, signal);
    case 'client-credentials':
      return fromGrant(await deps.grants.clientCredentials(login, signal), deps.clock.nowMs());
    case 'service-account': {
      const file = login.fileNames.map((name) => deps.fileNamed(name)).find((found) => found !== undefined);
      if (file === undefined) return later('unknown_account', 'its file is gone', undefined, noTokens);
      return fromGrant(await deps.grants.serviceAccount(login, file, signal), deps.clock.nowMs());
    }
  }
}

/** Tokens without refresh token live in memory: nothing of them is worth keeping. */
function fromGrant(outcome: GrantOutcome, nowMs: number): RefreshResult {
  switch (outcome.kind) {
    case 'issued':
      return { kind: 'tokens', tokens: { ...outcome.tokens, issuedAtMs: outcome.tokens.issuedAtMs ?? nowMs }, how: 'refreshed' };
    case 'refused':
      if (outcome.error === 'oauth_client_not_configured') return { kind: 'needs_login', reason: 'oauth_client_not_configured', detail: outcome.detail, sinceMs: nowMs, tokens: noTokens };
      return later('refresh_failed', `the token endpoint refused: ${outcome.error}`, outcome.retryAfterMs, noTokens);
    case 'failed':
      return later('refresh_failed', outcome.detail, outcome.retryAfterMs, noTokens);
  }
}
