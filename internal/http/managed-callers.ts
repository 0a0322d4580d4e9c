import type { Principal } from '../clients/principal.ts';
import { verifyClientKey, type CredentialSource, type KnownRefusal } from '../clients/verify.ts';

/** What the credential sources say of the values that a request presented to management. */
export type ManagedVerdict =
  | { readonly kind: 'valid'; readonly principal: Principal }
  /** Two that are right, of different callers. */
  | { readonly kind: 'conflict' }
  /** `others`: the values that no source knows; the secret may be among them. */
  | { readonly kind: 'none'; readonly others: readonly string[]; readonly known: KnownRefusal | undefined; readonly broken: { readonly cause: unknown } | undefined };

/** `from`: the address that counts, for the record of a key's last use. */
export type JudgeManaged = (presented: readonly string[], from: string) => ManagedVerdict;

/** One that is right decides; what stands beside it is not tried as the secret. The config's client keys are no source here: they carry no right to management. */
export function judgeManagedBy(sources: readonly CredentialSource[]): JudgeManaged {
  return (presented, from) => {
    if (sources.length === 0) return { kind: 'none', others: presented, known: undefined, broken: undefined };
    let principal: Principal | undefined;
    const others: string[] = [];
    let known: KnownRefusal | undefined;
    let broken: { readonly cause: unknown } | undefined;
    for (const value of presented) {
      const verdict = verifyClientKey(sources, value, from);
      if (verdict.kind === 'valid') {
        if (principal !== undefined && principal.id !== verdict.principal.id) return { kind: 'conflict' };
        principal = verdict.principal;
        continue;
      }
      if (verdict.kind === 'unknown') broken = verdict;
      if (verdict.kind === 'invalid' && verdict.code !== 'invalid_api_key') known = verdict.code;
      else others.push(value);
    }
    return principal === undefined ? { kind: 'none', others, known, broken } : { kind: 'valid', principal };
  };
}
