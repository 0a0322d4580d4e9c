import type { Context } from 'hono';
import type { LoadedConfig } from '../config/loaded.ts';
import { answerJson, answerText } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { readTextBody } from './body.ts';
import { changeConfig, invalidOnDisk } from './change.ts';
import { isRoot, requireRoot, type ManagementCall, type ManagementDeps, type ManagementRoute } from './context.ts';
import { entityTag } from './entity-tag.ts';
import { checkMoves } from './moved-secrets.ts';
import { checkProtected } from './protected-settings.ts';
import { queryFlag } from './query.ts';

/** A request without `Content-Type` is taken too: the file is the only thing this route can mean. */
const yamlTypes = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/plain', ''];

/** `/config`, `/config.yaml`, `/reload`. */
export function configDocumentRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [
    { method: 'GET', path: '/config', scope: 'config:read', handle: (c, call) => showSettings(deps, c, call) },
    { method: 'GET', path: '/config.yaml', scope: 'config:read', handle: (c, call) => showFile(deps, c, call) },
    { method: 'PUT', path: '/config.yaml', scope: 'config:write', handle: (c, call) => replaceFile(deps, c, call) },
    { method: 'POST', path: '/reload', scope: 'config:write', handle: (_c, call) => reload(deps, call) },
  ];
}

function showSettings(deps: ManagementDeps, c: Context, call: ManagementCall): Response {
  const isRevealed = askReveal(deps, c, call, 'config');
  const loaded = deps.config.current();
  return answerJson(isRevealed ? deps.views.revealed(loaded) : deps.views.masked(loaded), { etag: tagOf(deps, loaded) });
}

function showFile(deps: ManagementDeps, c: Context, call: ManagementCall): Response {
  const isRevealed = askReveal(deps, c, call, 'config.yaml');
  const loaded = deps.config.current();
  const text = isRevealed ? deps.views.revealedText(loaded) : deps.views.maskedText(loaded);
  return answerText(text, 'application/yaml; charset=utf-8', { etag: tagOf(deps, loaded) });
}

async function replaceFile(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const allowOpen = queryFlag(c, 'allow-open');
  const sent = await readTextBody(c.req.raw, yamlTypes);
  const change = await changeConfig(deps, call, {
    target: 'config.yaml',
    ifMatch: c.req.header('if-match'),
    allowOpen,
    tagOf: (loaded) => tagOf(deps, loaded),
    plan: (loaded) => ({ text: restoredText(deps, call, sent, loaded) }),
  });
  return answerJson({ ok: true, changed: change.changed, restart_required: change.restartRequired }, { etag: tagOf(deps, change.loaded) });
}

/** The text with the stored secrets in place of masks, checked for what this caller may not change. */
function restoredText(deps: ManagementDeps, call: ManagementCall, sent: string, loaded: LoadedConfig): string {
  const restored = deps.views.restoreText(sent, loaded);
  if (!restored.ok) throw restored.error;
  if (isRoot(call.principal)) return restored.value;
  const next = deps.views.parse(restored.value);
  if (!next.ok) throw next.error;
  const plain = deps.views.plain(loaded);
  checkProtected(call, plain, next.value);
  checkMoves(call, plain, next.value, deps.accounts.directory().files().length > 0);
  return restored.value;
}

async function reload(deps: ManagementDeps, call: ManagementCall): Promise<Response> {
  const outcome = await deps.config.reload();
  if (!outcome.ok) throw invalidOnDisk(outcome.error);
  recordEvent(deps, call, { action: 'config.reloaded', target: outcome.value.changed.join(', ') });
  return answerJson({ ok: true, changed: outcome.value.changed, restart_required: outcome.value.restartRequired });
}

/** Errors: `root_required`. The look itself is audited before it is answered. */
function askReveal(deps: ManagementDeps, c: Context, call: ManagementCall, target: string): boolean {
  if (!queryFlag(c, 'reveal')) return false;
  requireRoot(call, 'see secrets');
  recordEvent(deps, call, { action: 'secret.revealed', target });
  return true;
}

function tagOf(deps: ManagementDeps, loaded: LoadedConfig): string {
  return entityTag(deps.tagSecret, loaded.text);
}
