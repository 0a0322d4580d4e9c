import { err, ok, type Result } from '../../fault/result.ts';
import type { DecodeContext, DecodedFile } from './decode.ts';
import { identityName } from './field-names.ts';
import { factsOf, identityCandidates, identityOf } from './identity.ts';
import { applyChanges, type Members } from './members.ts';
import type { MemberChange } from './patch.ts';
import { sealMembers } from './sealed-members.ts';

/** True when the account can keep its name after the changes: nothing in them contradicts it. */
export function keepsIdentity(current: DecodedFile, changes: readonly MemberChange[]): boolean {
  return currentIdentity(pinned(applyChanges(current.members, changes), current), current) === current.file.identity;
}

/**
 * The changed members of a file that stays the same account: where its name would follow from the members no longer, as
 * after the first refresh of a file that has nothing but tokens, it is written down.
 */
export function pinned(members: Members, current: DecodedFile): Members {
  if (currentIdentity(members, current) === current.file.identity) return members;
  return applyChanges(members, [{ path: [identityName], json: JSON.stringify(current.file.identity) }]);
}

function currentIdentity(members: Members, { file: { provider, name } }: DecodedFile): string {
  return identityOf(members, identityCandidates(provider, factsOf(provider, members)), name);
}

export interface EncodeSubject {
  readonly identity: string;
  readonly type: string;
  readonly provider: string;
}

/** The bytes that stand on disk: sealed under the first key where encryption is on. The error says why that cannot be. */
export async function encodeMembers(members: Members, subject: EncodeSubject, context: DecodeContext): Promise<Result<Buffer, string>> {
  if (context.mode === 'off') return ok(toBytes(members));
  const keys = await context.readKeys();
  if (!keys.ok) return err(keys.error.message);
  const [first] = keys.value;
  return first === undefined ? err('There is no key.') : ok(toBytes(await sealMembers(members, subject.identity, subject, first)));
}

export function toBytes({ mark, text }: Members): Buffer {
  return Buffer.from(mark + text);
}
