import { join } from 'node:path';
import { decodeJwt } from 'jose/jwt/decode';
import type { AuthFile, AuthFileProblem } from '../accounts/auth-file/auth-file.ts';
import { maskUserinfo } from '../config/secret-spots.ts';
import { judgeBaseUrl, judgeProxyUrl } from '../config/upstream-url.ts';
import { escapeForeign } from '../log/escape.ts';
import type { Login } from '../providers/login.ts';
import type { AccountState } from '../routing/ports.ts';
import { maskSecret, wholeMask } from '../secret/secret.ts';
import type { LoginState } from '../tokens/ports.ts';
import type { ManagementDeps } from './context.ts';
import { entityTag } from './entity-tag.ts';
import { authIndexOf } from './list-items.ts';
import { isObject, type JsonObject } from './values.ts';

/** How an account file is: the Go program's words where it has one. */
export type AuthFileStatus = 'active' | 'disabled' | 'error' | 'refreshing' | 'needs_login' | 'cooling';

/** One entry of `GET /auth-files`; member names are wire spellings. No token is in it. */
export interface AuthFileEntry {
  readonly name: string;
  readonly auth_index: string;
  readonly status: AuthFileStatus;
  readonly [member: string]: unknown;
}

/** Names from files are at most this long where they are shown. */
const maxShown = 256;
const shown = (text: string): string => escapeForeign(text, maxShown);

/** Every file of the auth directory, usable or not, sorted by name without regard to case. */
export function listAuthFiles(deps: ManagementDeps): readonly AuthFileEntry[] {
  const { accounts } = deps;
  const { path: directory, files } = accounts.directory();
  const problems = Map.groupBy(allProblems(deps), ({ name }) => name);
  const states = new Map(deps.router.states(deps.routingTable()).map((state) => [state.accountId, state]));
  const loginOf = loginsByFile(accounts.logins());
  const usable = files();
  const names = new Set(usable.map(({ name }) => name));
  const refused = [...problems].filter(([name]) => !names.has(name) && name.endsWith('.json')).flatMap(([, [first]]) => (first === undefined ? [] : [describeRefused(first, directory)]));
  const entries = usable.map((file) => {
    const login = loginOf.get(file.name);
    const parts = { file, login, loginState: login === undefined ? undefined : accounts.keeper.stateOf(login.key), account: login === undefined ? undefined : states.get(login.accountId), problem: gravest(problems.get(file.name) ?? []) };
    return describeFile(parts, directory, operatorTag(deps, file), deps.clock.nowMs());
  });
  return [...entries, ...refused].sort((left, right) => compareNames(left.name.toLowerCase(), right.name.toLowerCase()));
}

/** All that is wrong with files of the directory, with the directory itself, or with making accounts of them; each once. */
export function allProblems({ accounts }: Pick<ManagementDeps, 'accounts'>): readonly AuthFileProblem[] {
  const all = [...accounts.directory().problems(), ...accounts.problems()];
  return [...new Map(all.map((problem) => [`${problem.code} ${problem.name}`, problem])).values()];
}

export function loginsByFile(logins: readonly Login[]): ReadonlyMap<string, Login> {
  return new Map(logins.flatMap((login) => login.fileNames.map((name) => [name, login] as const)));
}

/** Over what an operator edits: a refresh of the tokens meanwhile is no conflict. */
export function operatorTag(deps: ManagementDeps, file: AuthFile): string {
  const { headers, ...rest } = file.operator;
  return entityTag(deps.tagSecret, [file.name, file.type, file.identity, rest, [...headers]]);
}

/** Over all bytes of the file. */
export function contentTag(deps: ManagementDeps, file: AuthFile): string {
  return entityTag(deps.tagSecret, `${file.name} ${file.hash}`);
}

/** What the operator said of an account, secrets masked. */
export function describeOperatorFields({ operator }: AuthFile): JsonObject {
  return {
    disabled: operator.disabled,
    prefix: operator.prefix,
    proxy_url: shownUrl(operator.proxyUrl, judgeProxyUrl(operator.proxyUrl) === undefined),
    priority: operator.priority,
    weight: operator.weight,
    headers: Object.fromEntries([...operator.headers].map(([name, value]) => [name, maskSecret(value)])),
    excluded_models: operator.excludedModels,
    model_aliases: operator.modelAliases,
    disable_cooling: operator.disableCooling,
    note: shown(operator.note),
    base_url: shownUrl(operator.baseUrl, judgeBaseUrl(operator.baseUrl, false).kind !== 'error'),
  };
}

/** What is no usable address may hold its secret anywhere. */
function shownUrl(url: string, isUsable: boolean): string {
  if (url === '') return '';
  return isUsable ? maskUserinfo(url) : wholeMask;
}

interface FileParts {
  readonly file: AuthFile;
  readonly login: Login | undefined;
  readonly loginState: LoginState | undefined;
  readonly account: AccountState | undefined;
  readonly problem: AuthFileProblem | undefined;
}

function describeFile(parts: FileParts, directory: string, etag: string, nowMs: number): AuthFileEntry {
  const { file, login, loginState, account, problem } = parts;
  const status = statusOf(parts);
  const expiresAtMs = (loginState?.kind === 'ready' ? loginState.expiresAtMs : undefined) ?? file.tokens.expiresAtMs;
  const lastRefreshMs = (loginState?.kind === 'ready' ? loginState.lastRefreshMs : undefined) ?? file.tokens.issuedAtMs;
  const [first] = login?.fileNames ?? [];
  return {
    id: file.name,
    name: file.name,
    auth_index: authIndexOf(login?.accountId ?? `auth-file ${file.name}`),
    type: shown(file.type),
    provider: shown(file.provider),
    label: shown(login?.label ?? `${file.provider}${file.email === '' ? '' : ` (${file.email})`}`),
    email: shown(file.email),
    project_id: shown(file.fact('project_id') ?? ''),
    account_type: file.serviceAccount === undefined ? 'oauth' : 'service_account',
    account: shown(file.email === '' ? (file.fact('project_id') ?? '') : file.email),
    status,
    status_message: messageOf(parts, status, nowMs),
    ...(loginState?.kind === 'needs_login' ? { reason: loginState.reason, since: isoTime(loginState.sinceMs), usable_until: loginState.usableUntilMs === 0 ? null : isoTime(loginState.usableUntilMs) } : {}),
    unavailable: isUnavailable(parts, status, nowMs),
    next_retry_after: account?.state === 'cooling' ? isoTime(earliest(account)) : null,
    source: 'file',
    path: join(directory, file.name),
    size: file.sizeBytes,
    modtime: isoTime(file.modifiedAtMs),
    updated_at: isoTime(file.modifiedAtMs),
    last_refresh: isoTime(lastRefreshMs),
    expires_at: isoTime(expiresAtMs),
    ...(file.provider === 'codex' ? { id_token: codexClaims(file) } : {}),
    ...describeOperatorFields(file),
    duplicate_of: first === undefined || first === file.name ? null : first,
    problem: problem === undefined ? null : { code: problem.code, severity: problem.severity, message: problem.message },
    read_only: !file.isWritable,
    sealed: file.isSealed,
    etag,
  };
}

/** A file that makes no account. */
function describeRefused(problem: AuthFileProblem, directory: string): AuthFileEntry {
  const { name, code, severity, message } = problem;
  return {
    id: name,
    name,
    auth_index: authIndexOf(`auth-file ${name}`),
    status: 'error',
    status_message: message,
    disabled: false,
    unavailable: true,
    source: 'file',
    path: join(directory, name),
    duplicate_of: null,
    problem: { code, severity, message },
  };
}

function statusOf({ file, login, loginState, account, problem }: FileParts): AuthFileStatus {
  // Where there is a login all the same, the file's last good version serves.
  if (login === undefined && problem?.severity === 'error') return 'error';
  if (file.operator.disabled || login?.disabled === true) return 'disabled';
  if (loginState?.kind === 'needs_login') return 'needs_login';
  if (loginState?.kind === 'refreshing') return 'refreshing';
  return account?.state === 'cooling' ? 'cooling' : 'active';
}

/** A login that needs a person still serves with its last access token. */
function isUnavailable({ loginState }: FileParts, status: AuthFileStatus, nowMs: number): boolean {
  if (status === 'needs_login') return loginState?.kind !== 'needs_login' || loginState.usableUntilMs <= nowMs;
  return status !== 'active' && status !== 'refreshing';
}

function messageOf({ login, loginState, account, problem, file }: FileParts, status: AuthFileStatus, nowMs: number): string {
  switch (status) {
    case 'error':
      return problem?.message ?? '';
    case 'needs_login':
      return loginState?.kind === 'needs_login' ? describeNeed(loginState, nowMs) : '';
    case 'disabled':
      return file.operator.disabled ? 'disabled in its file; `keyward accounts enable` switches it on' : `disabled in the config (oauth.${login?.profile.name ?? ''})`;
    case 'cooling':
      return account?.models.map(({ model, reason }) => `${shown(model)}: ${reason}`).join(', ') ?? '';
    case 'active':
    case 'refreshing':
      return loginState?.kind === 'ready' && loginState.failure !== undefined ? `it could not be refreshed and is tried again: ${loginState.failure}` : (problem?.message ?? '');
  }
}

/** Why a login needs a person, and until when it serves all the same. */
export function describeNeed({ detail, usableUntilMs }: Extract<LoginState, { readonly kind: 'needs_login' }>, nowMs: number): string {
  if (usableUntilMs <= nowMs) return detail;
  const until = isoTime(usableUntilMs);
  return [detail.replace(/\.$/, ''), until === null ? 'its last access token still serves' : `its last access token still serves until ${until}`].filter((part) => part !== '').join('; ');
}

/** OpenAI's own claims, as its id token has them; it is not verified, as it grants nothing. */
function codexClaims(file: AuthFile): JsonObject {
  const token = file.tokens.idToken?.reveal() ?? '';
  const own = decodeClaims(token)['https://api.openai.com/auth'];
  const { chatgpt_account_id: accountId, chatgpt_plan_type: plan } = isObject(own) ? own : {};
  return { chatgpt_account_id: shown(typeof accountId === 'string' ? accountId : (file.fact('account_id') ?? '')), plan_type: typeof plan === 'string' ? shown(plan) : '' };
}

function decodeClaims(token: string): JsonObject {
  try {
    return decodeJwt(token);
  } catch {
    return {};
  }
}

function gravest(problems: readonly AuthFileProblem[]): AuthFileProblem | undefined {
  return problems.find(({ severity }) => severity === 'error') ?? problems[0];
}

function earliest(account: AccountState): number | undefined {
  return account.models.length === 0 ? undefined : Math.min(...account.models.map(({ untilMs }) => untilMs));
}

/** Null for what is no date, as a file may say anything. */
function isoTime(atMs: number | undefined): string | null {
  return atMs === undefined || !(Math.abs(atMs) <= 8.64e15) ? null : new Date(atMs).toISOString();
}

function compareNames(left: string, right: string): number {
  return left === right ? 0 : left < right ? -1 : 1;
}
