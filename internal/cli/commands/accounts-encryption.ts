import { join } from 'node:path';
import type { KeyringFault } from '../../accounts/auth-file/key-stores.ts';
import type { EncryptionMode } from '../../accounts/auth-file/keyring.ts';
import { createTextSeal } from '../../accounts/auth-file/sealing.ts';
import { decryptAll, encryptAll, rotateKey, type EncryptionReport, type EncryptionStep } from '../../accounts/directory/encryption.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { rewriteLedgers } from '../../tokens/ledger.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import { openKeyring, readLocalParts, type LocalParts } from '../accounts/local-parts.ts';
import { reportRefusal } from '../accounts/report-refusal.ts';
import { askDaemon, controlSocketPath, isRecord } from '../control.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { printable } from '../table.ts';

export interface AccountsEncryptionFlags {
  readonly config?: string;
  readonly json: boolean;
  readonly key?: 'env' | 'keychain' | 'file';
}

type Place = Exclude<EncryptionMode, 'off'>;

interface Work {
  readonly verb: 'encrypt' | 'decrypt' | 'rotate-key';
  /** What was done to a file, for the step's line. */
  readonly done: string;
  readonly run: typeof encryptAll;
  /** What a running daemon must have been started with, to be able to read the files afterwards. */
  readonly neededOf: (place: Place) => EncryptionMode;
  /** What to know afterwards. */
  readonly explain: (place: Place, configured: EncryptionMode) => string;
}

/** Encrypts the token fields of every file; 1 when a file could not be. */
export function encryptAccounts(cli: CliProcess, flags: AccountsEncryptionFlags): Promise<number> {
  return work(cli, flags, { verb: 'encrypt', done: 'encrypted', run: encryptAll, neededOf: (place) => place, explain: (place, configured) => `${settingLine(place, configured)}\n${whatItProtects}` });
}

export function decryptAccounts(cli: CliProcess, flags: AccountsEncryptionFlags): Promise<number> {
  return work(cli, flags, { verb: 'decrypt', done: 'decrypted', run: decryptAll, neededOf: () => 'off', explain: (_place, configured) => `${settingLine('off', configured)}\nThe tokens stand in plain text again, readable for you and root alone (mode 0600). The key is still where it was.\n` });
}

export function rotateAccountsKey(cli: CliProcess, flags: AccountsEncryptionFlags): Promise<number> {
  return work(cli, flags, { verb: 'rotate-key', done: 'encrypted anew', run: rotateKey, neededOf: (place) => place, explain: (place, configured) => `${settingLine(place, configured)}\nCopies made before, such as backups, still open with the old key.\n` });
}

const whatItProtects = `This protects the tokens in copies of the auth directory: backups, synced folders, disk images, a file sent by mistake.
It does not protect them from programs that run as you, or from root: they can read the key as Keyward does.
Keep a copy of the key apart from the files. Without it every account needs a new login.
`;

async function work(cli: CliProcess, flags: AccountsEncryptionFlags, task: Work): Promise<number> {
  const parts = readLocalParts(cli, flags.config);
  if (!parts.ok) return reportRefusal(cli, flags.json, parts.error);
  const { loaded } = parts.value;
  const configured = loaded.config['auth-dir-encryption'];
  const place = flags.key ?? (configured === 'off' ? undefined : configured);
  if (place === undefined) return reportRefusal(cli, flags.json, { code: 'invalid_request', message: 'Say where the key is: --key file (in data-dir), --key keychain (of this system), or --key env (KEYWARD_AUTH_DIR_KEY). The config says `auth-dir-encryption: off`.' });
  const free = await checkDaemon(controlSocketPath(loaded.dataDir), task, place);
  if (!free.ok) return reportRefusal(cli, flags.json, free.error);
  const report = await runTask(cli, flags, task, parts.value, place);
  if (!report.ok) return reportRefusal(cli, flags.json, { code: report.error.kind, message: report.error.message });
  return reportWork(cli, flags.json, task, place, configured, report.value);
}

/** A daemon that keeps its tokens another way would lose sight of every account. */
async function checkDaemon(socketPath: string, task: Work, place: Place): Promise<Result<undefined, StoreRefusal>> {
  const status = await askDaemon(socketPath, '/v0/management/status');
  if (!status.ok && status.error.kind === 'not_running') return ok(undefined);
  const authDir = status.ok && isRecord(status.value) ? status.value['auth_dir'] : undefined;
  const started = isRecord(authDir) ? authDir['encryption'] : undefined;
  const needed = task.neededOf(place);
  if (started === needed) return ok(undefined);
  const has = typeof started === 'string' ? `with \`auth-dir-encryption: ${started}\`` : 'and does not say how it keeps tokens';
  return err({ code: 'conflict', message: `A daemon is running ${has}; it could not read the files afterwards. Stop it, run this again, then start it with \`auth-dir-encryption: ${needed}\`.` });
}

function runTask(cli: CliProcess, flags: AccountsEncryptionFlags, task: Work, parts: LocalParts, place: Place): Promise<Result<EncryptionReport, KeyringFault>> {
  const keyring = openKeyring(cli, parts.loaded, place);
  const { clock, log } = parts.directoryDeps;
  const progress = flags.json ? cli.stderr : cli.stdout;
  return task.run(
    { ...parts.directoryDeps, keyring },
    {
      onStep: (step) => {
        const line = describeStep(task, step);
        if (line !== '') progress.write(`${line}\n`);
      },
      rewriteLedgers: (wanted) => rewriteLedgers(join(parts.loaded.authDir, '.keyward'), createTextSeal(keyring), wanted, { clock, log }),
    },
  );
}

/** `''` for what the report at the end tells. */
function describeStep(task: Work, { kind, name }: EncryptionStep): string {
  switch (kind) {
    case 'key_made':
      return `made a new key: ${printable(name)}`;
    case 'file':
      return `${task.done}: ${printable(name)}`;
    case 'ledgers':
      return `${task.done}: what is remembered of logins`;
    case 'backups':
      return 'removed: old versions that are not protected in this way';
    case 'keys_retired':
      return '';
  }
}

function reportWork(cli: CliProcess, isJson: boolean, task: Work, place: Place, configured: EncryptionMode, report: EncryptionReport): number {
  const isWhole = report.failed.length === 0;
  if (isJson) {
    const { changed, unchanged, failed, retiredKeys } = report;
    cli.stdout.write(`${JSON.stringify({ status: isWhole ? 'ok' : 'error', changed, unchanged, failed, retired_keys: retiredKeys, setting: { 'auth-dir-encryption': task.neededOf(place) } })}\n`);
    return isWhole ? exitCodes.ok : exitCodes.failed;
  }
  cli.stdout.write(`${report.changed.length} ${task.done}, ${report.unchanged.length} needed no change\n`);
  if (report.retiredKeys.length > 0) cli.stdout.write(`removed: old keys that nothing needs any more (${report.retiredKeys.map(printable).join(', ')})\n`);
  for (const { name, message } of report.failed) cli.stderr.write(`keyward: ${printable(name)}: ${printable(message)}\n`);
  if (!isWhole) {
    cli.stderr.write(`keyward: ${report.failed.length} could not be changed, so old keys are kept; put that right and run \`keyward accounts ${task.verb}\` again\n`);
    cli.stdout.write(`\n${settingLine(task.neededOf(place), configured)}`);
    return exitCodes.failed;
  }
  cli.stdout.write(`\n${task.explain(place, configured)}`);
  return exitCodes.ok;
}

function settingLine(needed: EncryptionMode, configured: EncryptionMode): string {
  if (needed === configured) return 'The config says so already; a daemon started with it goes on as before.';
  return `Now set this in the config before the daemon starts, or it cannot use the files:\n\n  auth-dir-encryption: ${needed}\n`;
}
