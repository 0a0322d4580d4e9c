import { noTokens, type TokenSet } from '../../internal/accounts/token-set.ts';
import type { NewLogin } from '../../internal/accounts/directory/ports.ts';
import type { AuthFile } from '../../internal/accounts/auth-file/auth-file.ts';
import { systemClock } from '../../internal/clock/clock.ts';
import type { Login } from '../../internal/providers/login.ts';
import { resolveLoginProfiles } from '../../internal/providers/logins/resolve.ts';
import { createTokenGrants } from '../../internal/upstreamauth/grants.ts';
import { createRevoke } from '../../internal/upstreamauth/revoke.ts';
import type { RevokeAtVendor } from '../../internal/upstreamauth/ports.ts';
import type { GrantOutcome, TokenGrants } from '../../internal/tokens/ports.ts';
import { authFile } from './auth-files.ts';
import { configOf } from './config.ts';
import { createKeptLog, createTestDispatchers } from './login-world.ts';

/** Grants and revocation as a config sets them up, without a keeper. */
export interface GrantsWorld {
  readonly grants: TokenGrants;
  readonly revoke: RevokeAtVendor;
  readonly login: (name: string) => Login;
  /** Refreshes what a login stored, to the end, as the keeper does. */
  readonly refresh: (name: string, stored: NewLogin | undefined, tokens?: TokenSet) => Promise<GrantOutcome>;
  readonly logText: () => string;
  readonly close: () => Promise<void>;
}

export function createGrantsWorld(oauth: object, requestTimeoutMs?: number): GrantsWorld {
  const profiles = resolveLoginProfiles(configOf({ oauth }));
  const dispatchers = createTestDispatchers();
  const { log, text } = createKeptLog();
  const deps = { clock: systemClock, log, dispatchers, userAgent: 'keyward/test', profiles: () => profiles, ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }) };
  const grants = createTokenGrants(deps);
  const login = (name: string): Login => {
    const profile = profiles.find(name);
    if (profile === undefined) throw new Error(`no profile ${name}`);
    return { key: 'k', source: 'refresh-token', profile, fileNames: ['a.json'], label: name, accountId: 'login:1', disabled: false };
  };
  return {
    grants,
    revoke: createRevoke(deps),
    login,
    refresh: async (name, stored, tokens) => {
      const outcome = await grants.refresh(login(name), tokens ?? stored?.tokens ?? noTokens, fileOf(name, stored), new AbortController().signal);
      if (outcome.kind !== 'issued' || outcome.after === undefined) return outcome;
      const before = outcome.tokens;
      const { tokens: after, facts } = await outcome.after();
      return { kind: 'issued', tokens: { ...after, apiKey: after.apiKey ?? before.apiKey ?? (tokens ?? stored?.tokens)?.apiKey }, ...(facts === undefined ? {} : { facts }) };
    },
    logText: text,
    close: () => dispatchers.close(),
  };
}

function fileOf(name: string, stored: NewLogin | undefined): AuthFile {
  const facts = Object.fromEntries(Object.entries(stored?.facts ?? {}).filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
  return authFile(stored?.type ?? name, { facts });
}
