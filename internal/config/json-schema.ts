import { toJsonSchema } from '@valibot/to-json-schema';
import { settings } from './schema.ts';

/** JSON Schema (draft 2020-12) of `config.yaml`, from the settings table: types, defaults, choices and meanings for editors. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  const schema = toJsonSchema(settings, { typeMode: 'input', errorMode: 'ignore', target: 'draft-2020-12' });
  const described = describe(schema);
  return { ...(isRecord(described) ? described : {}), title: 'Keyward configuration' };
}

/** The table's notes become what editors show; nothing of our own vocabulary stays. */
function describe(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(describe);
  if (!isRecord(node)) return node;
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(node)) {
    if (name === 'notes' && isRecord(value) && typeof value['doc'] === 'string') out['description'] = sentence(value);
    else out[name] = describe(value);
  }
  return out;
}

function sentence(notes: Readonly<Record<string, unknown>>): string {
  const unit = typeof notes['unit'] === 'string' ? ` Unit: ${notes['unit']}.` : '';
  const reload = notes['reload'] === 'restart' ? ' Takes effect at the next start.' : '';
  const unused = typeof notes['unused'] === 'string' ? ` Has no effect: ${notes['unused']}` : '';
  return `${String(notes['doc'])}${unit}${reload}${unused}`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
