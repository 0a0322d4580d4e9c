import { err, ok, type Result } from '../../internal/fault/result.ts';
import type { AccessToken, TokenFault, TokenKeeper } from '../../internal/tokens/ports.ts';

/** A keeper that does what a test says; it counts its refreshes. */
export interface FakeKeeper extends Pick<TokenKeeper, 'acquire' | 'renew'> {
  /** Tokens by login key as they are now; absent: expired. */
  readonly good: Map<string, string>;
  /** Logins whose next refresh ends so; a fault passes, `needs_login` stays. */
  readonly faults: Map<string, TokenFault>;
  /** Logins whose refresh answers only when it is let go. */
  readonly held: Map<string, () => void>;
  /** Makes the next refresh of a login wait. */
  readonly hold: (loginKey: string) => void;
  readonly refreshes: () => number;
  /** Waits that ended because the client left. */
  readonly abandoned: () => number;
}

export function createFakeKeeper(): FakeKeeper {
  const good = new Map<string, string>();
  const faults = new Map<string, TokenFault>();
  const held = new Map<string, () => void>();
  const toHold = new Set<string>();
  let refreshes = 0;
  let abandoned = 0;

  const tokenOf = (value: string): AccessToken => ({ value, expiresAtMs: Infinity });
  const refresh = async (loginKey: string, signal: AbortSignal | undefined): Promise<Result<AccessToken, TokenFault>> => {
    if (toHold.delete(loginKey)) {
      const left = await new Promise<boolean>((resolve) => {
        held.set(loginKey, () => resolve(false));
        signal?.addEventListener('abort', () => resolve(true), { once: true });
      });
      held.delete(loginKey);
      if (left) {
        abandoned++;
        return err({ kind: 'unavailable', reason: 'refresh_in_progress', detail: 'the client left' });
      }
    }
    await Promise.resolve();
    const fault = faults.get(loginKey);
    if (fault?.kind === 'unavailable') faults.delete(loginKey);
    if (fault !== undefined) return err(fault);
    refreshes++;
    const value = `token-${loginKey.slice(0, 8)}-refreshed-${refreshes}`;
    good.set(loginKey, value);
    return ok(tokenOf(value));
  };

  return {
    good,
    faults,
    held,
    hold: (loginKey) => void toHold.add(loginKey),
    refreshes: () => refreshes,
    abandoned: () => abandoned,
    acquire: (loginKey, signal) => {
      const value = good.get(loginKey);
      return value === undefined ? refresh(loginKey, signal) : ok(tokenOf(value));
    },
    renew: async (loginKey, refused, signal) => {
      const value = good.get(loginKey);
      return value === undefined || value === refused.value ? refresh(loginKey, signal) : ok(tokenOf(value));
    },
  };
}
