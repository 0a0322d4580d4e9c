/** A header value of the form `type; name=value; …`. Names and type in lower case. */
export interface ParameterizedValue {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const token = "[\\w!#$%&'*+.^`|~-]+";
const typePattern = new RegExp(`^[\\t ]*(${token}(?:/${token})?)[\\t ]*`);
const parameterPattern = new RegExp(`;[\\t ]*(${token})=(?:(${token})|"((?:[^"\\\\\\r\\n\\0]|\\\\(?!"))*)")[\\t ]*`, 'y');

/**
 * Reads such a value so that no two parsers can see different things in it: undefined for anything malformed, for a
 * parameter that stands twice, and for an escaped quote, which some parsers take for the end of the value.
 * @see RFC 9110 §5.6.6, RFC 6266 §4.1
 */
export function parseParameters(text: string): ParameterizedValue | undefined {
  const type = typePattern.exec(text);
  if (type === null) return undefined;
  const parameters = new Map<string, string>();
  let at = type[0].length;
  while (at < text.length) {
    parameterPattern.lastIndex = at;
    const found = parameterPattern.exec(text);
    const name = found?.[1]?.toLowerCase();
    if (found === null || name === undefined || parameters.has(name)) return undefined;
    parameters.set(name, found[2] ?? found[3] ?? '');
    at = parameterPattern.lastIndex;
  }
  return { type: (type[1] ?? '').toLowerCase(), parameters };
}
