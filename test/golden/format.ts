import { isExactNumber } from '../../internal/dialect/ir/exact-json.ts';

/** Lines of files of the corpus are no longer than this where that can be had. */
const maxColumns = 160;

/** JSON by two spaces in which whatever fits on a line stands on one, and every event of a stream does. */
export function formatJson(value: unknown, indent = '', used = 0): string {
  const flat = flatten(value);
  if (indent.length + used + flat.length <= maxColumns || typeof value !== 'object' || value === null || isExactNumber(value) || isEvent(value)) return flat;
  const deeper = `${indent}  `;
  if (Array.isArray(value)) return `[\n${value.map((item) => `${deeper}${formatJson(item, deeper, 1)}`).join(',\n')}\n${indent}]`;
  const members = Object.entries(value).map(([name, member]) => {
    const key = `${JSON.stringify(name)}: `;
    return `${deeper}${key}${formatJson(member, deeper, key.length + 1)}`;
  });
  return `{\n${members.join(',\n')}\n${indent}}`;
}

function isEvent(value: object): boolean {
  return 'data' in value && Object.keys(value).every((name) => name === 'data' || name === 'event');
}

function flatten(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flatten).join(', ')}]`;
  if (typeof value !== 'object' || value === null || isExactNumber(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${flatten(member)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}
