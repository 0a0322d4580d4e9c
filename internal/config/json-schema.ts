import { describeSettings, type SettingShape } from './shape.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * The JSON Schema (2020-12) of `config.yaml`, for editors. Looser than Keyward itself where YAML is: null is absent
 * everywhere, texts may be written as numbers, unknown keys are allowed.
 */
export function configJsonSchema(): Json {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Keyward configuration',
    description: 'Generated from the settings table; docs/configuration.md says the same in words.',
    ...describe(describeSettings()),
  };
}

function describe(shape: SettingShape): Json {
  const description = describeInWords(shape);
  return {
    ...(description === '' ? {} : { description }),
    ...typeSchema(shape),
    ...(shape.fallback === undefined || isEmptyObject(shape.fallback) ? {} : { default: shape.fallback }),
    ...(shape.unused === undefined ? {} : { deprecated: true }),
  };
}

function describeInWords(shape: SettingShape): string {
  const unit = shape.unit === undefined || shape.unit === 'duration' ? '' : ` Unit: ${shape.unit}.`;
  const reference = shape.secret === 'whole' ? ' May be `env:NAME` or `file:PATH`.' : '';
  const reload = shape.reload === 'restart' ? ' Takes effect after a restart.' : '';
  const unused = shape.unused === undefined ? '' : ` Without effect: ${shape.unused}`;
  return `${shape.doc}${unit}${reference}${reload}${unused}`;
}

function typeSchema(shape: SettingShape): Json {
  switch (shape.type) {
    case 'flag':
      return { type: ['boolean', 'null'] };
    case 'text':
      return { type: shape.isRequired ? ['string', 'number', 'boolean'] : ['string', 'number', 'boolean', 'null'] };
    case 'integer':
      return { type: ['integer', 'null'], ...(shape.min === undefined ? {} : { minimum: shape.min }), ...(shape.max === undefined ? {} : { maximum: shape.max }) };
    case 'choice':
      return { enum: [...shape.choices, ...(shape.isRequired ? [] : [null])] };
    case 'duration':
      return { anyOf: [{ type: 'string', pattern: String.raw`^\d+(\.\d+)?(ms|s|m|h|d)$` }, { type: 'number', minimum: 0 }, { type: 'null' }] };
    case 'list':
      return { type: ['array', 'null'], items: shape.item === undefined ? {} : describe(shape.item) };
    case 'map':
      return { type: ['object', 'null'], additionalProperties: shape.item === undefined ? {} : describe(shape.item) };
    case 'section':
      return sectionSchema(shape);
    case 'anything':
      return {};
  }
}

function sectionSchema(shape: SettingShape): Json {
  const required = [...shape.members].filter(([, member]) => member.isRequired).map(([name]) => name);
  return {
    type: ['object', 'null'],
    properties: Object.fromEntries([...shape.members].map(([name, member]) => [name, describe(member)])),
    ...(required.length === 0 ? {} : { required }),
  };
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
