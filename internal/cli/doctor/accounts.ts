import { join } from 'node:path';
import type { AuthFile, AuthFileProblem } from '../../accounts/auth-file/auth-file.ts';
import { systemClock } from '../../clock/clock.ts';
import type { LoadedConfig } from '../../config/loaded.ts';
import { loginVariable } from '../../config/login-environment.ts';
import { escapeForeign } from '../../log/escape.ts';
import { silentLogger } from '../../log/logger.ts';
import type { Login } from '../../providers/login.ts';
import { createLedgers, emptyLedger } from '../../tokens/ledger.ts';
import { digestOf } from '../../tokens/newest.ts';
import { clientOfFile } from '../../upstreamauth/client-identity.ts';
import { isRecord } from '../control.ts';
import type { CliProcess } from '../process-env.ts';
import { readAuthDir } from './auth-dir.ts';
import { findSharedTokens } from './other-programs.ts';
import type { DoctorReport, Finding } from './report.ts';

type Listed = DoctorReport['accounts'][number];

/** Why an account needs a person, and since when. */
interface Need {
  readonly detail: string;
  readonly since: string;
}

/**
 * The accounts behind logins and what is wrong with them. `status` is the running daemon's own, which knows more than the
 * files; undefined when none runs.
 */
export async function examineAccounts(cli: CliProcess, loaded: LoadedConfig, status: unknown): Promise<{ readonly accounts: DoctorReport['accounts']; readonly findings: readonly Finding[] }> {
  const seen = await readAuthDir(cli, loaded);
  const needs = status === undefined ? await needsOfFiles(loaded, seen.made.logins, seen.files) : needsOfStatus(status);
  const problems = Map.groupBy(seen.problems, ({ name }) => name);
  const loginOf = new Map(seen.made.logins.flatMap((login) => login.fileNames.map((name) => [name, login] as const)));
  const accounts = seen.files.map((file): Listed => describeFile(file, loginOf.get(file.name), problems.get(file.name)?.[0], needs));
  return {
    accounts,
    findings: [
      ...seen.problems.map((problem) => describeProblem(problem, loaded.config['auth-dir-encryption'] === 'off')),
      ...[...needs].map(([name, need]) => describeNeed(name, need, loginOf.get(name))),
      ...seen.made.logins.flatMap((login) => checkClient(login, seen.files)),
      ...checkEncryption(loaded, seen.files, seen.keyFault),
      ...(await findSharedTokens({ home: cli.home, codexHome: cli.env['CODEX_HOME'], authDir: loaded.authDir, files: seen.files })),
    ],
  };
}

function describeFile(file: AuthFile, login: Login | undefined, problem: AuthFileProblem | undefined, needs: ReadonlyMap<string, Need>): Listed {
  const state = file.operator.disabled || login?.disabled === true ? 'disabled' : needs.has(file.name) || needs.has(login?.fileNames[0] ?? '') ? 'needs_login' : login === undefined ? 'unusable' : 'ready';
  return { file: file.name, provider: file.provider, account: file.email, state, prefix: file.operator.prefix, sealed: file.isSealed, problem: problem?.message ?? '' };
}

const fixes: Partial<Record<AuthFileProblem['code'], string>> = {
  not_json: 'Mend or remove the file; a backup is in `.keyward/backups` of the auth directory if Keyward wrote it last.',
  no_type: 'Add a `type` such as "claude", or upload it with its channel.',
  mode: 'Run `chmod 600` on it; whoever else uses this machine may have read its tokens.',
  foreign_owner: 'Take it over with chown.',
  sealed: 'Bring the key back, or log in again.',
  plaintext: 'Stop the daemon and run `keyward accounts encrypt`.',
  duplicate_of: 'Remove one of the two, unless both are wanted.',
};

function describeProblem({ name, code, severity, message }: AuthFileProblem, isEncryptionOff: boolean): Finding {
  const fix = code === 'sealed' && isEncryptionOff ? 'Set `auth-dir-encryption` to where its key is (file, keychain or env) and restart the daemon; or run `keyward accounts decrypt --key <that place>`.' : (fixes[code] ?? '');
  return { level: code === 'duplicate_of' ? 'info' : 'warning', code: `account-${code.replaceAll('_', '-')}`, message: `${escapeForeign(name, 128)}: ${message}${severity === 'error' ? ' The file is not used.' : ''}`, fix };
}

function describeNeed(name: string, { detail, since }: Need, login: Login | undefined): Finding {
  return {
    level: 'warning',
    code: 'account-needs-login',
    message: `${escapeForeign(login?.label ?? name, 128)} needs a login${since === '' ? '' : ` since ${since}`}: ${escapeForeign(detail, 512)}`,
    fix: `Run \`keyward accounts login ${login?.profile.name ?? '<provider>'}\`.`,
  };
}

/** A refresh token is good for the client alone that it was issued to (RFC 6749 §6). */
function checkClient(login: Login, files: readonly AuthFile[]): readonly Finding[] {
  if (login.source !== 'refresh-token' || login.disabled) return [];
  const file = files.find(({ name }) => name === login.fileNames[0]);
  if (file === undefined || file.tokens.refreshToken === undefined || clientOfFile(login.profile, file, file.tokens) !== undefined) return [];
  const { expiresAtMs } = file.tokens;
  const until = expiresAtMs === undefined ? '' : ` until ${new Date(Math.min(expiresAtMs, 8.64e15)).toISOString()}`;
  return [{ level: 'warning', code: 'login-client-missing', message: `${escapeForeign(login.label, 128)}: neither its file nor the config names the OAuth client that its tokens belong to, so it cannot be refreshed and serves${until} only.`, fix: `Add \`oauth.${login.profile.name}.client-id\` to the config, or set ${loginVariable(login.profile.name)}_CLIENT_ID.` }];
}

function checkEncryption(loaded: LoadedConfig, files: readonly AuthFile[], keyFault: string | undefined): readonly Finding[] {
  const mode = loaded.config['auth-dir-encryption'];
  if (mode === 'off') {
    return files.length === 0 ? [] : [{ level: 'info', code: 'accounts-not-encrypted', message: 'Tokens in the auth directory stand in plain text; file modes alone protect them.', fix: 'If copies of the files are a concern (backups, synced folders), stop the daemon, run `keyward accounts encrypt --key file`, `keychain` or `env`, and set the line it prints.' }];
  }
  if (keyFault !== undefined) return [{ level: 'error', code: 'auth-dir-key-missing', message: `auth-dir-encryption is ${mode}, and its key is not at hand: ${keyFault}`, fix: 'Bring the key back before anything is written; without it the tokens are lost.' }];
  return [{ level: 'info', code: 'accounts-encrypted', message: `Tokens in the auth directory are encrypted (${mode}); ${files.filter(({ isSealed }) => isSealed).length} of ${files.length} files are.`, fix: '' }];
}

/** What the running daemon says, by file. */
function needsOfStatus(status: unknown): ReadonlyMap<string, Need> {
  const accounts = isRecord(status) ? status['accounts'] : undefined;
  const needs = new Map<string, Need>();
  for (const account of Array.isArray(accounts) ? accounts.filter(isRecord) : []) {
    const { login, file, detail, since, label } = account;
    const name = typeof file === 'string' ? file : label;
    if (login === 'needs_login' && typeof name === 'string') needs.set(name, { detail: typeof detail === 'string' ? detail : '', since: typeof since === 'string' ? since : '' });
  }
  return needs;
}

/** What the last daemon noted beside the files, and what they lack. */
async function needsOfFiles(loaded: LoadedConfig, logins: readonly Login[], files: readonly AuthFile[]): Promise<ReadonlyMap<string, Need>> {
  const ledgers = createLedgers({ folder: join(loaded.authDir, '.keyward'), clock: systemClock, log: silentLogger });
  const needs = new Map<string, Need>();
  for (const login of logins) {
    const file = files.find(({ name }) => name === login.fileNames[0]);
    if (login.source !== 'refresh-token' || login.disabled || file === undefined) continue;
    const digest = digestOf(file.tokens);
    const { dead: refused } = await ledgers.read(login.key).catch(() => emptyLedger);
    const dead = refused.find((token) => token.digest === digest);
    const isOver = file.tokens.refreshToken === undefined && file.tokens.apiKey === undefined && (file.tokens.accessToken === undefined || (file.tokens.expiresAtMs ?? Infinity) <= systemClock.nowMs());
    if (dead !== undefined) needs.set(file.name, { detail: dead.detail, since: new Date(dead.atMs).toISOString() });
    else if (isOver) needs.set(file.name, { detail: 'Its file holds no refresh token and no access token that is still good.', since: '' });
  }
  return needs;
}
