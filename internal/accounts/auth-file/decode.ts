import { err, ok, type Result } from '../../fault/result.ts';
import { escapeForeign } from '../../log/escape.ts';
import type { AuthFile, AuthFileProblem } from './auth-file.ts';
import { secretNames } from './field-names.ts';
import { factsOf, identityCandidates, identityOf, standIns, type IdentityFacts } from './identity.ts';
import type { KeyringFault } from './key-stores.ts';
import type { EncryptionMode, SealKey } from './keyring.ts';
import { readMembers, textOf, type Members } from './members.ts';
import { readOperatorFields } from './operator-fields.ts';
import { readTokens } from './read-tokens.ts';
import { openMembers, plainSecrets, sealedTextOf } from './sealed-members.ts';
import type { SealFault } from './sealing.ts';

export interface DecodeInput {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** SHA-256 of `bytes`, hex. */
  readonly hash: string;
  readonly modifiedAtMs: number;
  readonly isWritable: boolean;
}

export interface DecodeContext {
  /** The login profile that a `type` (lower case) belongs to. */
  readonly ofFileType: (type: string) => { readonly name: string } | undefined;
  readonly mode: EncryptionMode;
  /** Asked for when a file is sealed. */
  readonly readKeys: () => Promise<Result<readonly SealKey[], KeyringFault>>;
}

/** A file that can be used, with what its writers need. */
export interface DecodedFile {
  readonly file: AuthFile;
  /** Opened where they were sealed. */
  readonly members: Members;
  /** Every name the account may be known under, strongest first. */
  readonly candidates: readonly string[];
  /** Of severity `warning`. */
  readonly warnings: readonly AuthFileProblem[];
}

/**
 * Reads one file of the auth directory: every kind of the Go program's, in snake_case, kebab-case or both, tokens at the
 * top or in a `token` object. The error is the problem for which the file is not used.
 */
export async function decodeAuthFile(input: DecodeInput, context: DecodeContext): Promise<Result<DecodedFile, AuthFileProblem>> {
  const problem = (code: AuthFileProblem['code'], message: string): Result<never, AuthFileProblem> => err({ name: input.name, code, severity: 'error', message });
  const read = readMembers(input.bytes);
  if (!read.ok) return problem('not_json', `The file ${read.error}.`);
  const type = textOf(read.value.top('type'))?.toLowerCase();
  if (type === undefined) return problem('no_type', 'The file has no "type" that says which provider it belongs to.');
  if (type === 'service_account') return problem('unknown_type', 'The file is the key of a Google service account as Google gives it out; `keyward accounts import vertex <file>` makes an account of it.');
  const provider = context.ofFileType(type)?.name;
  if (provider === undefined) return problem('unknown_type', `There is no login for the type "${escapeForeign(type, 40)}"; define \`oauth.${escapeForeign(type, 40)}\` in the config, or correct the type.`);

  const isSealed = sealedTextOf(read.value) !== undefined;
  if (context.mode !== 'off' && plainSecrets(read.value).length > 0) {
    return problem('plaintext', 'Encryption is on, and the file holds token fields in plain text; run `keyward accounts encrypt`.');
  }
  const opened = isSealed ? await openFile(read.value, { type, provider }, context) : ok({ members: read.value, identity: undefined });
  if (!opened.ok) return problem('sealed', opened.error);
  return ok(describeFile(opened.value.members, { ...input, type, provider, isSealed, sizeBytes: input.bytes.length, identity: opened.value.identity }));
}

export interface Description extends Omit<DecodeInput, 'bytes'> {
  readonly sizeBytes: number;
  readonly type: string;
  readonly provider: string;
  readonly isSealed: boolean;
  /** As a seal or an earlier reading vouches for it; undefined: as the members say. */
  readonly identity: string | undefined;
}

/** What opened members say. */
export function describeFile(members: Members, about: Description): DecodedFile {
  const { name, hash, sizeBytes, modifiedAtMs, type, provider, isWritable, isSealed } = about;
  const facts = factsOf(provider, members);
  const candidates = identityCandidates(provider, facts);
  const operator = readOperatorFields(members);
  const file: AuthFile = {
    name,
    hash,
    sizeBytes,
    modifiedAtMs,
    type,
    provider,
    identity: about.identity ?? identityOf(members, candidates, name),
    email: facts.fact('email') ?? '',
    operator: operator.fields,
    tokens: readTokens(members),
    fact: factReader(members, facts),
    serviceAccount: serviceAccountText(members),
    isWritable,
    isSealed,
  };
  const warnings = operator.problems.map((message): AuthFileProblem => ({ name, code: 'invalid_field', severity: 'warning', message }));
  return { file, members, candidates, warnings };
}

async function openFile(members: Members, subject: { readonly type: string; readonly provider: string }, context: DecodeContext): Promise<Result<{ readonly members: Members; readonly identity: string }, string>> {
  if (context.mode === 'off') return err('The token fields are encrypted, and `auth-dir-encryption` is off.');
  const keys = await context.readKeys();
  if (!keys.ok) return err(keys.error.message);
  const opened = await openMembers(members, subject, keys.value);
  return opened.ok ? opened : err(sealWords[opened.error]);
}

const sealWords: Readonly<Record<SealFault, string>> = {
  unknown_key: 'The token fields are encrypted with a key that is not at hand.',
  other_subject: 'The encrypted token fields belong to another account or type than the file names.',
  damaged: 'The encrypted token fields were altered or cut off.',
};

const hidden: ReadonlySet<string> = new Set(secretNames.filter((name) => name !== 'client_secret'));

/** Keeps the facts alone: the file's text goes, and with it the tokens outside of `Secret`. */
function factReader(members: Members, { fact }: IdentityFacts): (name: string) => string | undefined {
  const facts = new Map<string, string>();
  for (const name of [...members.names, ...standIns]) {
    const text = hidden.has(name) ? undefined : fact(name);
    if (text !== undefined) facts.set(name, text);
  }
  return (name) => facts.get(name);
}

function serviceAccountText(members: Members): string | undefined {
  const member = members.top('service_account')[0];
  return typeof member?.value === 'object' && member.value !== null ? member.json : undefined;
}
