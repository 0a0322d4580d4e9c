import { isRecord, listOf, type JsonRecord } from '../ir/json.ts';

const combiners = ['anyOf', 'oneOf', 'allOf'] as const;

/**
 * Parameters as an `input_schema`: always an object, and without alternatives at its top, which are refused there. Theirs are
 * merged into one object that allows each of them; the tool checks its input itself.
 * @see https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools
 */
export function toInputSchema(parameters: JsonRecord | undefined): JsonRecord {
  if (parameters === undefined) return { type: 'object', properties: {} };
  if (combiners.some((name) => parameters[name] !== undefined)) return mergeAlternatives(parameters);
  return parameters['type'] === 'object' ? parameters : { ...parameters, type: 'object' };
}

function mergeAlternatives(schema: JsonRecord): JsonRecord {
  const { anyOf, oneOf, allOf, ...rest } = schema;
  const all = listOf(allOf).filter(isRecord);
  const any = [...listOf(anyOf), ...listOf(oneOf)].filter(isRecord);
  const properties = Object.assign({}, ...[schema, ...all, ...any].map((part) => part['properties']).filter(isRecord));
  const required = new Set([schema, ...all].flatMap((part) => listOf(part['required'])));
  const [first, ...others] = any.map((part) => new Set(listOf(part['required'])));
  for (const name of first ?? []) if (others.every((names) => names.has(name))) required.add(name);
  const { additionalProperties: _, ...open } = rest;
  return { ...open, type: 'object', properties, ...(required.size === 0 ? {} : { required: [...required] }) };
}
