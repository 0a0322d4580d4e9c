import { invalidYaml } from '../config/invalid-yaml.ts';
import { describeSettings, shapeBelow, type SettingShape } from '../config/shape.ts';
import { parseYaml } from '../config/yaml-source.ts';
import { readTree, scalarText, type YamlTree } from '../config/yaml-tree.ts';
import type { AppError } from '../fault/app-error.ts';
import { err, ok, type Result } from '../fault/result.ts';
import { isObject, type JsonObject } from './values.ts';

/**
 * A config text as plain JSON: what stands in the file, text settings as written (`0123` stays text), secrets plain or
 * as references, nothing filled in, unknown keys included. Errors: `invalid_yaml` with line and column.
 */
export function parsePlain(text: string): Result<JsonObject, AppError> {
  const source = parseYaml(text);
  if (!source.ok) return err(invalidYaml(source.error));
  const tree = readTree(source.value);
  if (!tree.ok) return err(invalidYaml(tree.error));
  const plain = toPlain(tree.value, describeSettings());
  return ok(isObject(plain) ? plain : {});
}

function toPlain(tree: YamlTree, shape: SettingShape | undefined): unknown {
  switch (tree.kind) {
    case 'null':
      return null;
    case 'scalar':
      return shape?.type === 'text' || shape?.type === 'choice' ? scalarText(tree) : tree.value;
    case 'list':
      return tree.items.map((item) => toPlain(item, shape?.item));
    case 'map':
      // `prefix:` with nothing behind it is a setting left out.
      return Object.fromEntries(tree.members.filter(({ value }) => value.kind !== 'null').map(({ name, value }) => [name, toPlain(value, shapeBelow(shape, name))]));
  }
}
