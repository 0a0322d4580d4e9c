import type { Context } from 'hono';
import type { LoadedConfig } from '../config/loaded.ts';
import type { ConfigPath } from '../config/ports.ts';
import type { Config } from '../config/schema.ts';
import { maskUserinfo } from '../config/secret-spots.ts';
import { AppError } from '../fault/app-error.ts';
import { answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { readJsonObject } from './body.ts';
import { changeConfig } from './change.ts';
import { checkSetting } from './check-setting.ts';
import { requireRoot, type ManagementCall, type ManagementDeps, type ManagementRoute } from './context.ts';
import { entityTag } from './entity-tag.ts';
import { checkGlobalProxy, restoreProxyUrl } from './global-proxy.ts';
import { checkProtected } from './protected-settings.ts';
import { queryFlag } from './query.ts';

interface Scalar {
  readonly setting: keyof Config;
  /** Of a setting inside a section. */
  readonly member?: string;
  readonly type: 'boolean' | 'number' | 'string';
  readonly read: (config: Config) => boolean | number | string;
  /** Also offers DELETE, which takes the setting out of the file. */
  readonly isClearable?: boolean;
}

const strategyNames: Readonly<Record<string, string>> = { rr: 'round-robin', roundrobin: 'round-robin', wrr: 'weighted-round-robin', ff: 'fill-first', fillfirst: 'fill-first' };
const strategyName = (strategy: string): string => strategyNames[strategy] ?? strategy;

/** The scalars of contract §6. */
const scalars: readonly Scalar[] = [
  { setting: 'debug', type: 'boolean', read: (config) => config.debug },
  { setting: 'logging-to-file', type: 'boolean', read: (config) => config['logging-to-file'] },
  { setting: 'logs-max-total-size-mb', type: 'number', read: (config) => config['logs-max-total-size-mb'] },
  { setting: 'error-logs-max-files', type: 'number', read: (config) => config['error-logs-max-files'] },
  { setting: 'usage-statistics-enabled', type: 'boolean', read: (config) => config['usage-statistics-enabled'] },
  { setting: 'proxy-url', type: 'string', read: (config) => config['proxy-url'], isClearable: true },
  { setting: 'request-log', type: 'boolean', read: (config) => config['request-log'] },
  { setting: 'ws-auth', type: 'boolean', read: (config) => config['ws-auth'] },
  { setting: 'request-retry', type: 'number', read: (config) => config['request-retry'] },
  { setting: 'max-retry-interval', type: 'number', read: (config) => config['max-retry-interval'] },
  { setting: 'force-model-prefix', type: 'boolean', read: (config) => config['force-model-prefix'] },
  { setting: 'routing', member: 'strategy', type: 'string', read: (config) => strategyName(config.routing.strategy) },
  { setting: 'quota-exceeded', member: 'switch-project', type: 'boolean', read: (config) => config['quota-exceeded']['switch-project'] },
  { setting: 'quota-exceeded', member: 'switch-preview-model', type: 'boolean', read: (config) => config['quota-exceeded']['switch-preview-model'] },
];

export function scalarRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return scalars.flatMap((scalar): readonly ManagementRoute[] => {
    const path = `/${pathOf(scalar).join('/')}`;
    const write: ManagementRoute['handle'] = (c, call) => writeScalar(deps, scalar, c, call);
    const clear: ManagementRoute['handle'] = (c, call) => clearScalar(deps, scalar, c, call);
    return [
      { method: 'GET', path, scope: 'config:read', handle: (c, call) => showScalar(deps, scalar, c, call) },
      { method: 'PUT', path, scope: 'config:write', handle: write },
      { method: 'PATCH', path, scope: 'config:write', handle: write },
      ...(scalar.isClearable === true ? [{ method: 'DELETE', path, scope: 'config:write', handle: clear } as const] : []),
    ];
  });
}

function showScalar(deps: ManagementDeps, scalar: Scalar, c: Context, call: ManagementCall): Response {
  const isRevealed = scalar.setting === 'proxy-url' && queryFlag(c, 'reveal');
  if (isRevealed) {
    requireRoot(call, 'see secrets');
    recordEvent(deps, call, { action: 'secret.revealed', target: scalar.setting });
  }
  const loaded = deps.config.current();
  const value = scalar.read(loaded.config);
  const shown = typeof value === 'string' && !isRevealed ? maskUserinfo(value) : value;
  return answerJson({ [scalar.member ?? scalar.setting]: shown }, { etag: tagOf(deps, scalar, loaded) });
}

async function writeScalar(deps: ManagementDeps, scalar: Scalar, c: Context, call: ManagementCall): Promise<Response> {
  const body = await readJsonObject(c.req.raw, ['value']);
  if (!Object.hasOwn(body, 'value')) throw new AppError('invalid_request', { message: 'value is missing.', fields: { param: 'value' } });
  const { value } = body;
  if (typeof value !== scalar.type) throw new AppError('invalid_request', { message: `value must be a ${scalar.type}.`, fields: { param: 'value' } });
  if (scalar.member === undefined) checkSetting(scalar.setting, value, ['value']);
  else checkMember(scalar.setting, scalar.member, value);
  return change(deps, scalar, c, call, (loaded) => storedValue(deps, scalar, value, loaded, call));
}

async function clearScalar(deps: ManagementDeps, scalar: Scalar, c: Context, call: ManagementCall): Promise<Response> {
  return change(deps, scalar, c, call, () => undefined);
}

/** `valueOf` gives what the file shall hold; undefined takes the setting out. */
async function change(deps: ManagementDeps, scalar: Scalar, c: Context, call: ManagementCall, valueOf: (loaded: LoadedConfig) => unknown): Promise<Response> {
  const path = pathOf(scalar);
  const done = await changeConfig(deps, call, {
    target: path.join('.'),
    ifMatch: c.req.header('if-match'),
    allowOpen: false,
    tagOf: (loaded) => tagOf(deps, scalar, loaded),
    plan: (loaded) => {
      const value = valueOf(loaded);
      checkProtected(call, { [scalar.setting]: scalar.read(loaded.config) }, { [scalar.setting]: value });
      const plain = deps.views.plain(loaded);
      if (scalar.setting === 'proxy-url') checkGlobalProxy(call, plain, typeof value === 'string' ? value : '', deps.accounts.directory().files().length > 0);
      if (value !== undefined) return { edits: [{ kind: 'set', path, value }] };
      return { edits: Object.hasOwn(plain, scalar.setting) ? [{ kind: 'delete', path }] : [] };
    },
  });
  return answerJson({ status: 'ok' }, { etag: tagOf(deps, scalar, done.loaded) });
}

function storedValue(deps: ManagementDeps, scalar: Scalar, value: unknown, loaded: LoadedConfig, call: ManagementCall): unknown {
  if (typeof value !== 'string') return value;
  if (scalar.setting === 'proxy-url') return restoreProxyUrl(call, deps.views.plain(loaded), value.trim());
  return scalar.member === 'strategy' ? strategyName(value.trim()) : value.trim();
}

function checkMember(setting: keyof Config, member: string, value: unknown): void {
  try {
    checkSetting(setting, { [member]: value }, []);
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    throw new AppError('invalid_request', { message: thrown.message.replace(member, 'value'), fields: { param: 'value' } });
  }
}

function pathOf(scalar: Scalar): ConfigPath {
  return scalar.member === undefined ? [scalar.setting] : [scalar.setting, scalar.member];
}

function tagOf(deps: ManagementDeps, scalar: Scalar, loaded: LoadedConfig): string {
  return entityTag(deps.tagSecret, scalar.read(loaded.config));
}
