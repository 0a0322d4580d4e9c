import { err, ok, type Result } from '../../fault/result.ts';
import { escapeForeign } from '../../log/escape.ts';
import { isOperatorName, type OperatorName } from './field-names.ts';
import type { Members } from './members.ts';
import { judgeOperatorField } from './operator-fields.ts';
import type { MemberChange } from './patch.ts';

/**
 * What an edit of operator fields changes in a file, in the spelling it has. `null` removes; `headers` are merged, in any
 * letter case, a `null` in them removes one. The error says which field is wrong, without quoting its value.
 */
export function operatorChanges(members: Members, fields: Readonly<Record<string, unknown>>): Result<readonly MemberChange[], string> {
  const changes: MemberChange[] = [];
  for (const [written, value] of Object.entries(fields)) {
    const name = written.replaceAll('-', '_');
    if (!isOperatorName(name)) return err(`"${escapeForeign(written, 64)}" is no field that can be set`);
    const next = name === 'headers' && value !== null ? mergeHeaders(members, value) : ok(value);
    if (!next.ok) return next;
    const wrong = next.value === null ? undefined : judgeOperatorField(name, next.value);
    if (wrong !== undefined) return err(wrong);
    changes.push(...setField(members, name, next.value === null ? undefined : JSON.stringify(next.value)));
  }
  return ok(changes);
}

/** One spelling is left: a second one would contradict it. */
function setField(members: Members, name: OperatorName, json: string | undefined): readonly MemberChange[] {
  const [first, ...others] = members.top(name).map(({ path }) => path);
  return [{ path: first ?? [name], json }, ...others.map((path) => ({ path, json: undefined }))];
}

function mergeHeaders(members: Members, edit: unknown): Result<unknown, string> {
  if (typeof edit !== 'object' || edit === null || Array.isArray(edit)) return err('headers must be a map of header names and values');
  const present = members.top('headers')[0]?.value;
  const merged = new Map<string, unknown>(typeof present === 'object' && present !== null && !Array.isArray(present) ? Object.entries(present) : []);
  for (const [name, value] of Object.entries(edit)) {
    for (const known of merged.keys()) if (known.toLowerCase() === name.toLowerCase()) merged.delete(known);
    if (value !== null) merged.set(name, value);
  }
  return ok(merged.size === 0 ? null : Object.fromEntries(merged));
}
