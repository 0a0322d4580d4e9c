import type { Grant } from '../../internal/clients/grant.ts';
import type { Principal } from '../../internal/clients/principal.ts';
import type { CredentialSource, Verdict } from '../../internal/clients/verify.ts';

/** Credentials that a test makes, changes and takes back: what a key may do is read at each use, its minter's grant too. */
export interface FakeCredentials extends CredentialSource {
  /** The credential is its name. `by`: who minted it. */
  readonly mint: (name: string, grant: Grant, by?: string) => void;
  readonly end: (name: string, code: 'key_expired' | 'key_revoked') => void;
  /** The credential gets another text; who it is stays. */
  readonly rotate: (name: string, text: string) => void;
  /** What is not known yet cannot be looked up while it is so. */
  readonly setBroken: (isBroken: boolean) => void;
  readonly principalOf: (name: string) => Principal;
}

interface Made {
  readonly name: string;
  readonly by: string | undefined;
  grant: Grant;
  ended: 'key_expired' | 'key_revoked' | undefined;
}

export function createFakeCredentials(): FakeCredentials {
  const made = new Map<string, Made>();
  const names = new Map<string, string>();
  let isBroken = false;
  const chainOf = (name: string): readonly Made[] => {
    const own = made.get(name);
    return own === undefined ? [] : [own, ...(own.by === undefined ? [] : chainOf(own.by))];
  };
  const principalOf = (name: string): Principal => ({ id: `ck_${name}`, kind: 'managed-key', label: name, holders: chainOf(name).map((each) => ({ id: `ck_${each.name}`, grant: each.grant })) });
  return {
    name: 'fake',
    mint: (name, grant, by) => {
      const known = made.get(name);
      if (known === undefined) made.set(name, { name, by, grant, ended: undefined });
      else known.grant = grant;
      names.set(name, name);
    },
    end: (name, code) => {
      const known = made.get(name);
      if (known !== undefined) known.ended = code;
    },
    rotate: (name, text) => {
      names.delete(name);
      names.set(text, name);
    },
    setBroken: (broken) => {
      isBroken = broken;
    },
    principalOf,
    verify: (value): Verdict => {
      const name = names.get(value);
      if (name === undefined) return isBroken ? { kind: 'unknown', cause: new Error('the store is away') } : { kind: 'invalid', code: 'invalid_api_key' };
      const ended = chainOf(name).find((each) => each.ended !== undefined)?.ended;
      return ended === undefined ? { kind: 'valid', principal: principalOf(name) } : { kind: 'invalid', code: ended, principalId: `ck_${name}` };
    },
  };
}
