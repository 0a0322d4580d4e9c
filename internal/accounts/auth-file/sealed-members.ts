import { err, ok, type Result } from '../../fault/result.ts';
import { identityName, sealedName, secretNames } from './field-names.ts';
import { factsOf, identityCandidates, pinnedIdentity } from './identity.ts';
import type { SealKey } from './keyring.ts';
import { applyChanges, textOf, type Member, type Members } from './members.ts';
import type { MemberChange } from './patch.ts';
import { keyIdOf, openWith, sealUnder, type SealFault } from './sealing.ts';

/** What a file's sealed members are bound to. */
export interface SealSubject {
  /** `type` of the file. */
  readonly type: string;
  /** Profile that reads the identity. */
  readonly provider: string;
}

/** Members that a sealed file must not hold in plain text. */
export function plainSecrets(members: Members): readonly Member[] {
  return secretNames.flatMap((name) => members.everywhere(name)).filter(({ value }) => value !== null && value !== '');
}

/** The sealed text of a file; undefined when it has none. */
export function sealedTextOf(members: Members): string | undefined {
  return textOf(members.top(sealedName));
}

/** Id of the key that a file is sealed under. */
export function sealKeyOf(members: Members): string | undefined {
  const sealed = sealedTextOf(members);
  return sealed === undefined ? undefined : keyIdOf(sealed);
}

/**
 * Moves the secrets of a file into one sealed member, bound to type and identity, both of which stay readable beside it.
 * The members' text is kept as it is, so that opening brings back the same bytes.
 */
export async function sealMembers(members: Members, identity: string, subject: SealSubject, key: SealKey): Promise<Members> {
  const secrets = plainSecrets(members);
  const bare = applyChanges(members, [...secrets.map(({ path }) => ({ path, json: undefined })), { path: [sealedName], json: undefined }]);
  const named = plainIdentity(bare, subject) === identity ? bare : applyChanges(bare, [{ path: [identityName], json: JSON.stringify(identity) }]);
  const payload = JSON.stringify(secrets.map(({ path, json }) => ({ path, json })));
  const sealed = await sealUnder(key, payload, subjectText(subject, identity));
  return applyChanges(named, [{ path: [sealedName], json: JSON.stringify(sealed) }]);
}

export interface OpenedMembers {
  /** With the secrets in plain text and without the sealed member. */
  readonly members: Members;
  /** As the sealed text vouches for it. */
  readonly identity: string;
  readonly keyId: string;
}

/** Brings the secrets back. Those that stand in plain text beside the sealed ones win. Fails when type or identity were exchanged. */
export async function openMembers(members: Members, subject: SealSubject, keys: readonly SealKey[]): Promise<Result<OpenedMembers, SealFault>> {
  const sealed = sealedTextOf(members);
  const identity = plainIdentity(members, subject);
  if (sealed === undefined) return err('damaged');
  if (identity === undefined) return err('other_subject');
  const opened = await openWith(keys, sealed, subjectText(subject, identity));
  if (!opened.ok) return opened;
  const secrets = readPayload(opened.value.text);
  if (secrets === undefined) return err('damaged');
  const plain = new Set(plainSecrets(members).map(({ path }) => path.join('.')));
  const wanted = secrets.filter(({ path }) => !plain.has(path.join('.')));
  return ok({ members: applyChanges(members, [{ path: [sealedName], json: undefined }, ...wanted]), identity, keyId: opened.value.keyId });
}

/** Who the account is by what can be read without a key: what the sealed text is bound to must not come out of it. */
function plainIdentity(members: Members, { provider }: SealSubject): string | undefined {
  return pinnedIdentity(members) ?? identityCandidates(provider, factsOf(provider, members))[0];
}

function subjectText({ type }: SealSubject, identity: string): string {
  return `file ${type} ${identity}`;
}

function readPayload(text: string): readonly MemberChange[] | undefined {
  const payload: unknown = JSON.parse(text);
  if (!Array.isArray(payload)) return undefined;
  const items: readonly unknown[] = payload;
  const read: MemberChange[] = [];
  for (const item of items) {
    const entries = new Map<string, unknown>(typeof item === 'object' && item !== null ? Object.entries(item) : []);
    const path: unknown = entries.get('path');
    const json = entries.get('json');
    if (!Array.isArray(path) || typeof json !== 'string') return undefined;
    const steps: readonly unknown[] = path;
    const [first, ...rest] = steps.filter((step) => typeof step === 'string');
    if (first === undefined || rest.length + 1 !== steps.length) return undefined;
    read.push({ path: [first, ...rest], json });
  }
  return read;
}
