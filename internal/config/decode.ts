import { dirname } from 'node:path';
import * as v from 'valibot';
import { err, ok, type Result } from '../fault/result.ts';
import { sha256Hex } from '../secret/digest.ts';
import { checkConfig } from './checks.ts';
import { liftLegacyKeys } from './legacy.ts';
import { addLoginVariables } from './login-environment.ts';
import type { LoadedConfig } from './loaded.ts';
import type { ConfigProblem } from './problem.ts';
import { checkClientKeys, createSettingsReader, type SettingsReader } from './read-settings.ts';
import { settings } from './schema.ts';
import { expandPath, type ReadSecretFile } from './secret-reference.ts';
import { isMembers } from './members.ts';
import { describeSettings, shapeBelow, type SettingShape } from './shape.ts';
import { parseYaml } from './yaml-source.ts';
import { readTree, type YamlTree } from './yaml-tree.ts';

export interface DecodeInput {
  /** Absolute path of the file the text came from. */
  readonly path: string;
  readonly text: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readSecretFile: ReadSecretFile;
  /** Absolute path that `~` stands for. */
  readonly home: string;
}

/**
 * Reads a config text whole: every problem at once, each with its place; syntax problems stand alone. Pure but for the
 * files that secrets refer to.
 */
export function decodeConfig(input: DecodeInput): Result<LoadedConfig, readonly ConfigProblem[]> {
  const source = parseYaml(input.text);
  if (!source.ok) return source;
  const tree = readTree(source.value);
  if (!tree.ok) return tree;
  const root = tree.value;
  if (root.kind !== 'map' && root.kind !== 'null') return err([{ severity: 'error', path: '', message: 'must be a list of settings such as `port: 8317`', ...source.value.placeOf(root.offset) }]);

  const shape = describeSettings();
  const reader = createSettingsReader(source.value, { env: input.env, readSecretFile: input.readSecretFile, configPath: input.path, home: input.home });
  const plain = addLoginVariables(readRoot(root, shape, reader), input.env, reader.origins);
  const parsed = v.safeParse(settings, plain);
  if (!parsed.success) reportIssues(parsed.issues, shape, reader);
  const checkable = parsed.success ? parsed : v.safeParse(settings, withoutFaulty(plain, parsed.issues));
  // All problems at once: settings of the right form are looked at even where others are not.
  if (checkable.success) checkConfig(checkable.output, (severity, path, message) => reader.report(severity, path, message, nearestPlace(path, reader)));
  const errors = reader.problems.filter((problem) => problem.severity === 'error');
  if (!parsed.success || errors.length > 0) return err(inFileOrder(reader.problems));

  const expand = (path: string): string => expandPath(path === '' ? '~/.keyward' : path, dirname(input.path), input.home);
  return ok({
    path: input.path,
    text: input.text,
    hash: sha256Hex(input.text),
    config: parsed.output,
    warnings: inFileOrder(reader.problems),
    ignoredKeys: reader.ignoredKeys,
    secretOrigins: reader.origins,
    apiKeysExplicitlyEmpty: isExplicitlyEmpty(root),
    authDir: expand(parsed.output['auth-dir'] === '' ? '~/.keyward/auth' : parsed.output['auth-dir']),
    dataDir: expand(parsed.output['data-dir']),
  });
}

/** The settings less those of the wrong form: entries of lists whole, as their members belong together. */
function withoutFaulty(plain: Readonly<Record<string, unknown>>, issues: readonly v.BaseIssue<unknown>[]): Readonly<Record<string, unknown>> {
  const faulty = issues.map((issue) => (issue.path ?? []).map((step) => String(step.key)));
  return Object.fromEntries(
    Object.entries(plain).flatMap(([name, value]): readonly (readonly [string, unknown])[] => {
      const own = faulty.filter(([first]) => first === name);
      if (own.length === 0) return [[name, value]];
      // Places in the list must stay, or later problems would name another entry.
      const bad = new Set(own.map(([, index]) => index));
      return Array.isArray(value) && !bad.has(undefined) ? [[name, value.slice(0, Math.min(...[...bad].map(Number)))]] : [];
    }),
  );
}

function readRoot(root: YamlTree, shape: SettingShape, reader: SettingsReader): Readonly<Record<string, unknown>> {
  const members = root.kind === 'map' ? root.members : [];
  const own: YamlTree = { kind: 'map', offset: root.offset, members: members.filter((member) => member.name !== 'auth') };
  const read = reader.read(own, shape, []);
  const plain = isMembers(read) ? read : {};
  const keyItems = liftLegacyKeys(members, plain, shape, reader);
  checkClientKeys(keyItems.keys, keyItems.hadItems, reader);
  return keyItems.plain;
}

function isExplicitlyEmpty(root: YamlTree): boolean {
  const keys = root.kind === 'map' ? root.members.find((member) => member.name === 'api-keys')?.value : undefined;
  return keys?.kind === 'list' && keys.items.length === 0;
}

function reportIssues(issues: readonly v.BaseIssue<unknown>[], shape: SettingShape, reader: SettingsReader): void {
  for (const issue of issues) {
    const path = (issue.path ?? []).map((step) => String(step.key));
    const dotted = path.join('.');
    reader.report('error', dotted, describeIssue(issue, findShape(path, shape)), nearestPlace(dotted, reader));
  }
}

/** Never quotes the value: it may be a secret in the wrong place. */
function describeIssue(issue: v.BaseIssue<unknown>, shape: SettingShape | undefined): string {
  if (issue.received === 'undefined') return 'is missing';
  if (issue.kind === 'validation') return issue.message;
  switch (shape?.type) {
    case 'flag':
      return 'must be true or false';
    case 'text':
      return 'must be text';
    case 'integer':
      return 'must be a whole number';
    case 'duration':
      return 'must be a duration such as 30s, 15m, 1h or 7d';
    case 'choice':
      return `must be one of ${shape.choices.join(', ')}`;
    case 'list':
      return 'must be a list';
    case 'section':
    case 'map':
      return 'must be a section with names and values';
    default:
      return 'has the wrong form';
  }
}

function findShape(path: readonly string[], root: SettingShape): SettingShape | undefined {
  return path.reduce<SettingShape | undefined>((shape, name) => shapeBelow(shape, name), root);
}

/** A missing member is reported where its section begins. */
function nearestPlace(path: string, reader: SettingsReader): number | undefined {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
    const offset = reader.places.get(at);
    if (offset !== undefined) return offset;
  }
  return undefined;
}

function inFileOrder(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return [...problems].sort((left, right) => (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0));
}
