import type { LoadedConfig } from '../config/loaded.ts';
import type { ConfigChange, ConfigEdit, WriteOptions } from '../config/ports.ts';
import type { ConfigProblem } from '../config/problem.ts';
import { AppError } from '../fault/app-error.ts';
import type { Result } from '../fault/result.ts';
import { recordEvent } from './audit-trail.ts';
import type { ManagementCall, ManagementDeps } from './context.ts';
import { checkIfMatch } from './entity-tag.ts';
import type { ConfigViews } from './ports.ts';

/** One wish to change the config. `tagOf` and `plan` run again when the file changed in between. */
export interface ChangeRequest {
  /** For the audit where nothing of the settings changed, e.g. `config.yaml`. */
  readonly target: string;
  readonly ifMatch: string | undefined;
  readonly allowOpen: boolean;
  /** Entity tag of the object that is edited. */
  readonly tagOf: (loaded: LoadedConfig) => string;
  /** The edits, or a whole new text. Throws the refusal. */
  readonly plan: (loaded: LoadedConfig) => { readonly edits: readonly ConfigEdit[] } | { readonly text: string };
}

/** Of edits made at once, one succeeds in each round. */
const maxAttempts = 64;
const unchanged = (loaded: LoadedConfig): ConfigChange => ({ changed: [], restartRequired: [], loaded });

/**
 * Carries a change out: validated, durable, live and audited when it resolves; nothing happened when it rejects. Edits
 * are made against exactly the state that `plan` saw. Errors: the plan's and `ConfigStore`'s; `precondition_failed`
 * for the caller's own `If-Match`.
 */
export async function changeConfig(deps: ManagementDeps, call: ManagementCall, request: ChangeRequest): Promise<ConfigChange> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const previous = deps.config.current();
    const outcome = await tryChange(deps, request, previous);
    if (outcome.ok) {
      recordChange(deps, call, request.target, previous, outcome.value);
      return outcome.value;
    }
    if (outcome.error.code !== 'precondition_failed') throw outcome.error;
    // An editor was faster: take its version in, then plan again.
    const reread = await deps.config.reload();
    if (!reread.ok) throw invalidOnDisk(reread.error);
  }
  throw new AppError('conflict', { message: 'The config file keeps changing while it is edited; try again.' });
}

function recordChange(deps: ManagementDeps, call: ManagementCall, target: string, previous: LoadedConfig, change: ConfigChange): void {
  if (change.loaded.text === previous.text) return;
  recordEvent(deps, call, {
    action: 'config.changed',
    target: change.changed.length === 0 ? target : change.changed.join(', '),
    ...describeChange(deps.views, previous, change),
  });
}

/** Settings of a change that are members of the file, before and after, secrets masked. */
export function describeChange(views: Pick<ConfigViews, 'masked'>, previous: LoadedConfig, change: ConfigChange): { readonly before: unknown; readonly after: unknown } {
  const before = views.masked(previous);
  const after = views.masked(change.loaded);
  const names = [...new Set(change.changed.map((path) => path.split('.', 1)[0] ?? path))];
  return { before: Object.fromEntries(names.map((name) => [name, before[name] ?? null])), after: Object.fromEntries(names.map((name) => [name, after[name] ?? null])) };
}

async function tryChange(deps: ManagementDeps, request: ChangeRequest, loaded: LoadedConfig): Promise<Result<ConfigChange, AppError>> {
  checkIfMatch(request.ifMatch, request.tagOf(loaded));
  const options: WriteOptions = { ifMatch: loaded.hash, allowOpen: request.allowOpen };
  const plan = request.plan(loaded);
  if ('text' in plan) return deps.config.replace(plan.text, options);
  return plan.edits.length === 0 ? { ok: true, value: unchanged(loaded) } : deps.config.edit(plan.edits, options);
}

export function invalidOnDisk(problems: readonly ConfigProblem[]): AppError {
  return new AppError('invalid_config', { message: 'The config file on disk is not valid; mend it first.', fields: { problems } });
}
