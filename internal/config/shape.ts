import { isMembers, type Members } from './members.ts';
import { settings } from './schema.ts';

/** What the settings table says of one place in the file, without the validation library's own form. */
export interface SettingShape {
  readonly type: 'flag' | 'text' | 'integer' | 'choice' | 'duration' | 'section' | 'list' | 'map' | 'anything';
  readonly doc: string;
  readonly unit: string | undefined;
  readonly reload: 'live' | 'restart';
  readonly secret: 'whole' | 'userinfo' | undefined;
  readonly unused: string | undefined;
  /** Without effect in this version. */
  readonly isRequired: boolean;
  /** As it would stand in the file. */
  readonly fallback: unknown;
  readonly choices: readonly string[];
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly members: ReadonlyMap<string, SettingShape>;
  /** Members beyond the known ones are kept and not reported. */
  readonly isOpen: boolean;
  /** Of a list or map. */
  readonly item: SettingShape | undefined;
}

/** The whole settings table; the root is a section. */
export function describeSettings(): SettingShape {
  return describe(settings, true);
}

/** The shape below `name`: a member, or the item of a list or map. */
export function shapeBelow(shape: SettingShape | undefined, name: string | number): SettingShape | undefined {
  if (shape === undefined) return undefined;
  if (shape.type === 'anything') return shape;
  return shape.type === 'section' ? shape.members.get(String(name)) : shape.item;
}

/** A value without a form of its own. */
export const anything: SettingShape = {
  type: 'anything', doc: '', unit: undefined, reload: 'live', secret: undefined, unused: undefined, isRequired: false, fallback: undefined,
  choices: [], min: undefined, max: undefined, members: new Map(), isOpen: true, item: undefined,
};

function describe(schema: unknown, isRequired: boolean, fallback?: unknown): SettingShape {
  if (!isMembers(schema)) throw new TypeError('settings table: not a schema');
  if (schema['type'] === 'optional') return describe(schema['wrapped'], false, schema['default']);
  const actions = listOf(schema['pipe']).filter(isMembers);
  const notes = lastNotes(actions);
  return {
    type: typeOf(schema, actions),
    doc: textOf(notes['doc']),
    unit: maybeText(notes['unit']),
    reload: notes['reload'] === 'restart' ? 'restart' : 'live',
    secret: notes['secret'] === 'whole' || notes['secret'] === 'userinfo' ? notes['secret'] : undefined,
    unused: maybeText(notes['unused']),
    isRequired,
    fallback,
    choices: listOf(schema['options']).filter((option) => typeof option === 'string'),
    min: requirement(actions, 'min_value'),
    max: requirement(actions, 'max_value'),
    members: new Map(Object.entries(isMembers(schema['entries']) ? schema['entries'] : {}).map(([name, entry]) => [name, describe(entry, true)])),
    isOpen: schema['type'] === 'loose_object',
    item: describeItem(schema),
  };
}

function describeItem(schema: Members): SettingShape | undefined {
  if (schema['type'] === 'custom') return anything;
  const item = schema['type'] === 'array' ? schema['item'] : schema['type'] === 'record' ? schema['value'] : undefined;
  return item === undefined ? undefined : describe(item, true);
}

function typeOf(schema: Members, actions: readonly Members[]): SettingShape['type'] {
  switch (schema['type']) {
    case 'boolean':
      return 'flag';
    case 'string':
      return 'text';
    case 'number':
      return 'integer';
    case 'picklist':
      return 'choice';
    case 'union':
      return lastNotes(actions)['unit'] === 'duration' ? 'duration' : 'anything';
    case 'object':
    case 'loose_object':
      return 'section';
    case 'array':
      return 'list';
    case 'record':
    case 'custom':
      return 'map';
    default:
      throw new TypeError(`settings table: no form for ${String(schema['type'])}`);
  }
}

function lastNotes(actions: readonly Members[]): Members {
  const metadata = actions.findLast((action) => action['type'] === 'metadata')?.['metadata'];
  const notes = isMembers(metadata) ? metadata['notes'] : undefined;
  return isMembers(notes) ? notes : {};
}

function requirement(actions: readonly Members[], type: string): number | undefined {
  const found = actions.find((action) => action['type'] === type)?.['requirement'];
  return typeof found === 'number' ? found : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function maybeText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function textOf(value: unknown): string {
  return maybeText(value) ?? '';
}
