import type { Principal } from '../clients/principal.ts';
import type { PresentedToken } from './judge-clients.ts';
import { verifyClientKey, type CredentialSource, type KnownRefusal } from '../clients/verify.ts';

/** `others`: the values that no source knows; the secret may be among them. */
export type ManagedVerdict =
  | { readonly kind: 'valid'; readonly principal: Principal; readonly token: PresentedToken | undefined; readonly others: readonly string[] }
  /** Two that are right, of different callers. */
  | { readonly kind: 'conflict'; readonly others: readonly string[] }
  | { readonly kind: 'none'; readonly others: readonly string[]; readonly known: KnownOver | undefined; readonly broken: { readonly cause: unknown } | undefined };

/** One whose time is over. */
export interface KnownOver {
  readonly code: KnownRefusal;
  readonly principalId: string | undefined;
}

/** `from`: the address that counts, for the record of a key's last use. */
export type JudgeManaged = (presented: readonly string[], from: string) => ManagedVerdict;

/** One that is right decides; what stands beside it is not tried as the secret. The config's client keys are no source here: they carry no right to management. */
export function judgeManagedBy(sources: readonly CredentialSource[]): JudgeManaged {
  return (presented, from) => {
    if (sources.length === 0) return { kind: 'none', others: presented, known: undefined, broken: undefined };
    let principal: Principal | undefined;
    let token: PresentedToken | undefined;
    let isConflict = false;
    const others: string[] = [];
    let known: KnownOver | undefined;
    let broken: { readonly cause: unknown } | undefined;
    for (const value of presented) {
      const verdict = verifyClientKey(sources, value, from);
      if (verdict.kind === 'valid') {
        isConflict ||= principal !== undefined && principal.id !== verdict.principal.id;
        principal = verdict.principal;
        if (verdict.token !== undefined) token = { ...verdict.token, value };
        continue;
      }
      if (verdict.kind === 'unknown') broken = verdict;
      if (verdict.kind === 'invalid' && verdict.code !== 'invalid_api_key') known = { code: verdict.code, principalId: verdict.principalId };
      else others.push(value);
    }
    if (isConflict) return { kind: 'conflict', others };
    return principal === undefined ? { kind: 'none', others, known, broken } : { kind: 'valid', principal, token, others };
  };
}
