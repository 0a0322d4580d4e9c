import type { ConfigProblem } from '../problem.ts';
import type { Config } from '../schema.ts';
import { parsePayloadPath, type PathStep } from './path.ts';
import { isUnservedProtocol, protocolNames, readProtocol } from './protocol.ts';
import { jsonOfRawValue, jsonOfValue } from './values.ts';

type Report = (severity: ConfigProblem['severity'], path: string, message: string) => void;
type Rule = Config['payload']['default'][number];
type RuleModel = Rule['models'][number];

/** Routing, limits and bindings were decided by these before a rule comes up; changed later they would pass unchecked. */
const decided: ReadonlyMap<string, string> = new Map([
  ['model', 'was routed by and checked before rules come up; use `models[].alias`, `oauth-model-alias` or `prefix` to rename models'],
  ['stream', 'decides how the answer is read; the client alone sets it'],
]);

/** What was made upstream belongs to the caller who made it (security rule 15). */
const references: ReadonlySet<string> = new Set(['previous_response_id', 'conversation']);

/** What the settings table cannot tell of `payload`. */
export function checkPayload({ payload }: Config, report: Report): void {
  for (const section of ['default', 'default-raw', 'override', 'override-raw'] as const) {
    for (const [index, rule] of payload[section].entries()) {
      const path = `payload.${section}.${index}`;
      checkModels(rule.models, path, report);
      checkWrites(rule, path, section.endsWith('-raw'), report);
    }
  }
  for (const [index, rule] of payload.filter.entries()) {
    const path = `payload.filter.${index}`;
    checkModels(rule.models, path, report);
    if (rule.params.length === 0) report('warning', path, 'has no `params`, so it changes nothing');
    for (const [at, param] of rule.params.entries()) checkTarget(param, `${path}.params.${at}`, param, false, report);
  }
}

function checkWrites(rule: Rule, path: string, isRaw: boolean, report: Report): void {
  const writes = Object.entries(rule.params);
  if (writes.length === 0) report('warning', path, 'has no `params`, so it changes nothing');
  for (const [param, value] of writes) {
    const at = `${path}.params.${param}`;
    checkTarget(param, at, undefined, true, report);
    const json = isRaw ? jsonOfRawValue(value) : jsonOfValue(value);
    if (json === undefined) report('error', at, isRaw ? 'must be JSON text, such as \'{"type":"object"}\' in single quotes; a text in JSON has double quotes of its own: \'"high"\'' : 'has a value that JSON cannot carry');
  }
}

function checkTarget(param: string, at: string, shown: string | undefined, isWrite: boolean, report: Report): void {
  const parsed = parsePayloadPath(param);
  const path = shown === undefined ? 'path' : `path \`${shown}\``;
  if (!parsed.ok) {
    report('error', at, `its ${path} ${parsed.error}`);
    return;
  }
  const name = memberOf(parsed.value[0]);
  // Some parsers ignore case.
  const reason = decided.get(name.toLowerCase());
  if (reason !== undefined) report('error', at, `must not change \`${name}\`, which ${reason}`);
  else if (isWrite && references.has(name.toLowerCase())) report('error', at, `must not set \`${name}\`: what it names belongs to the caller who made it`);
}

function memberOf(step: PathStep | undefined): string {
  return step?.kind === 'member' ? step.name : '';
}

function checkModels(models: readonly RuleModel[], path: string, report: Report): void {
  if (models.length === 0) report('warning', path, 'has no `models`, so it never applies');
  for (const [index, model] of models.entries()) {
    const at = `${path}.models.${index}`;
    checkProtocol(model.protocol, `${at}.protocol`, report);
    checkProtocol(model['from-protocol'], `${at}.from-protocol`, report);
    if (readProtocol(model['from-protocol'])?.isAntigravity === true) report('error', `${at}.from-protocol`, 'is a protocol that no client speaks; write gemini');
    for (const member of ['match', 'not-match'] as const) {
      for (const [place, condition] of model[member].entries()) {
        for (const [param, value] of Object.entries(condition)) {
          const spot = `${at}.${member}.${place}.${param}`;
          checkPath(param, spot, undefined, report);
          if (jsonOfValue(value) === undefined) report('error', spot, 'has a value that JSON cannot carry');
        }
      }
    }
    for (const member of ['exist', 'not-exist'] as const) {
      for (const [place, param] of model[member].entries()) checkPath(param, `${at}.${member}.${place}`, param, report);
    }
  }
}

function checkPath(param: string, at: string, shown: string | undefined, report: Report): void {
  const parsed = parsePayloadPath(param);
  if (!parsed.ok) report('error', at, `its path ${shown === undefined ? '' : `\`${shown}\` `}${parsed.error}`);
}

function checkProtocol(name: string, at: string, report: Report): void {
  if (name === '' || readProtocol(name) !== undefined) return;
  if (isUnservedProtocol(name)) report('warning', at, `is a protocol that is not served here, so the rule never applies by it`);
  else report('error', at, `must be one of ${protocolNames}`);
}
