import { readAuthFile, type FileRead } from './read-file.ts';
import { decodeAuthFile, type DecodeContext, type DecodedFile } from '../auth-file/decode.ts';
import type { AuthFileProblem } from '../auth-file/auth-file.ts';
import type { Keyring } from '../auth-file/keyring.ts';
import { checkFileName } from '../auth-file/name.ts';
import { err, type Result } from '../../fault/result.ts';
import { escapeForeign } from '../../log/escape.ts';

/** What decoding files of one directory takes. */
export interface DecodeDeps {
  readonly path: string;
  readonly uid: number | undefined;
  readonly ofFileType: DecodeContext['ofFileType'];
  readonly keyring: Keyring;
}

export type ReadOutcome = Exclude<FileRead, { readonly kind: 'missing' }>;

/** A context that reads the keys once, for one scan or one write. */
export function decodeContext({ ofFileType, keyring }: DecodeDeps): DecodeContext {
  let keys: ReturnType<Keyring['read']> | undefined;
  return { ofFileType, mode: keyring.mode, readKeys: () => (keys ??= keyring.read()) };
}

export function decodeOutcome(name: string, read: ReadOutcome, context: DecodeContext): Promise<Result<DecodedFile, AuthFileProblem>> {
  const checked = checkFileName(name);
  const wrong = checked.ok ? (checked.value === name ? undefined : 'must be in Unicode normal form C') : checked.error;
  if (wrong !== undefined) return Promise.resolve(err({ name, code: 'odd_name', severity: 'error', message: `The file's name "${escapeForeign(name, 100)}" ${wrong}; rename it.` }));
  if (read.kind === 'refused') return Promise.resolve(err({ name, code: read.code, severity: 'error', message: read.message }));
  return decodeAuthFile({ name, bytes: read.bytes, hash: read.hash, modifiedAtMs: read.modifiedAtMs, isWritable: !read.isLink }, context);
}

export type OnDisk = { readonly kind: 'usable'; readonly decoded: DecodedFile; readonly bytes: Buffer } | { readonly kind: 'unusable'; readonly problem: AuthFileProblem; readonly isLink: boolean; readonly hash: string | undefined } | { readonly kind: 'missing' };

/** One file as it stands on disk now. Never rejects. */
export async function readOnDisk(deps: DecodeDeps, name: string): Promise<OnDisk> {
  const read = await readAuthFile(deps.path, name, deps.uid);
  if (read.kind === 'missing') return read;
  const decoded = await decodeOutcome(name, read, decodeContext(deps));
  if (decoded.ok && read.kind === 'read') return { kind: 'usable', decoded: decoded.value, bytes: read.bytes };
  if (decoded.ok) throw new TypeError('a file that was refused cannot be decoded');
  return { kind: 'unusable', problem: decoded.error, isLink: read.kind === 'read' && read.isLink, hash: read.kind === 'read' ? read.hash : undefined };
}
