import { join } from 'node:path';
import { err, ok, type Result } from '../../fault/result.ts';
import { writeDurably } from '../../files/durable-write.ts';
import type { DecodeContext } from '../auth-file/decode.ts';
import { toBytes } from '../auth-file/encode.ts';
import { factsOf, identityCandidates, identityOf } from '../auth-file/identity.ts';
import type { SealKey } from '../auth-file/keyring.ts';
import { readMembers, textOf, type Members } from '../auth-file/members.ts';
import { openMembers, plainSecrets, sealedTextOf, sealKeyOf, sealMembers, type SealSubject } from '../auth-file/sealed-members.ts';
import { describeWriteFault } from './change-file.ts';
import { readAuthFile } from './read-file.ts';

export interface ResealDeps {
  readonly path: string;
  readonly uid: number | undefined;
  readonly ofFileType: DecodeContext['ofFileType'];
}

/** How a file's secrets are to stand. */
export interface Wanted {
  /** Undefined: in plain text. */
  readonly key: SealKey | undefined;
  /** Sealed files alone are taken on; one in plain text is a fault. */
  readonly isSealedOnly: boolean;
}

/** A file that is saved by an editor meanwhile is tried again. */
const maxTries = 5;

/**
 * Brings one file's secrets into the wanted form; false when they were so already. No old version is kept, since that is
 * what is to go. The error is a sentence. The caller holds the write lock.
 */
export async function resealFile(deps: ResealDeps, name: string, keys: readonly SealKey[], wanted: Wanted): Promise<Result<boolean, string>> {
  for (let tries = 1; ; tries++) {
    const read = await readAuthFile(deps.path, name, deps.uid);
    if (read.kind === 'missing') return ok(false);
    if (read.kind === 'refused') return err(read.message);
    const members = readMembers(read.bytes);
    if (!members.ok) return err(`The file ${members.error}.`);
    if (isAsWanted(members.value, wanted)) return ok(false);
    if (read.isLink) return err('The file is a link, which Keyward reads but never writes.');
    const next = await convert(deps, name, members.value, keys, wanted);
    if (!next.ok) return next;
    const written = await writeDurably(join(deps.path, name), toBytes(next.value), { expectedHash: read.hash, generations: 0 });
    if (written.ok) return ok(true);
    if (written.error.kind !== 'changed' || tries >= maxTries) return err(describeWriteFault(name, written.error).message);
  }
}

function isAsWanted(members: Members, { key }: Wanted): boolean {
  if (key === undefined) return sealedTextOf(members) === undefined;
  if (plainSecrets(members).length > 0) return false;
  return sealedTextOf(members) === undefined || sealKeyOf(members) === key.id;
}

async function convert(deps: ResealDeps, name: string, members: Members, keys: readonly SealKey[], { key, isSealedOnly }: Wanted): Promise<Result<Members, string>> {
  const type = textOf(members.top('type'))?.toLowerCase();
  if (type === undefined) return err('The file has no "type".');
  // A type that no login serves has tokens to protect all the same.
  const subject: SealSubject = { type, provider: deps.ofFileType(type)?.name ?? type };
  if (isSealedOnly && plainSecrets(members).length > 0) return err('The file holds token fields in plain text; run `keyward accounts encrypt`.');
  const opened = sealedTextOf(members) === undefined ? ok({ members, identity: plainIdentity(name, members, subject) }) : await openMembers(members, subject, keys);
  if (!opened.ok) return err(opened.error === 'unknown_key' ? 'The file is encrypted with a key that is not at hand.' : 'The encrypted token fields were altered, or belong to another account.');
  if (key === undefined) return ok(opened.value.members);
  const sealed = await sealMembers(opened.value.members, opened.value.identity, subject, key);
  return (await isWhole(opened.value.members, sealed, subject, key)) ? ok(sealed) : err('The file cannot be sealed without loss.');
}

function plainIdentity(name: string, members: Members, { provider }: SealSubject): string {
  return identityOf(members, identityCandidates(provider, factsOf(provider, members)), name);
}

/** What was sealed is opened again before the plain text goes. */
async function isWhole(before: Members, sealed: Members, subject: SealSubject, key: SealKey): Promise<boolean> {
  const opened = await openMembers(sealed, subject, [key]);
  const secretsOf = (members: Members): string => JSON.stringify(plainSecrets(members).map(({ path, json }) => [path, json]));
  return opened.ok && secretsOf(opened.value.members) === secretsOf(before);
}
