/*
 * Forwarding headers, read only when a trusted proxy sent them.
 */

const maxHops = 64;

/** The elements of `X-Forwarded-For`, left to right. */
export function readForwardedFor(value: string): readonly string[] {
  return value.split(',').slice(-maxHops).map((element) => element.trim());
}

/**
 * The `for` of every element of `Forwarded`, left to right; `''` for an element that names none.
 * Undefined when the header does not parse. @see RFC 7239 §4
 */
export function readForwarded(value: string): readonly string[] | undefined {
  const elements = splitOutsideQuotes(value, ',');
  if (elements === undefined) return undefined;
  const nodes: string[] = [];
  for (const element of elements.slice(-maxHops)) {
    const pairs = splitOutsideQuotes(element, ';');
    if (pairs === undefined) return undefined;
    const found = pairs.map((pair) => pair.trim()).filter((pair) => pair.slice(0, 4).toLowerCase() === 'for=');
    // RFC 7239 §4: each parameter at most once in an element.
    if (found.length > 1) return undefined;
    nodes.push(unquote((found[0] ?? '').slice(4)));
  }
  return nodes;
}

function splitOutsideQuotes(text: string, separator: string): readonly string[] | undefined {
  const parts: string[] = [];
  let isQuoted = false;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted && character === '\\') index += 1;
    else if (!isQuoted && character === separator) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  if (isQuoted) return undefined;
  parts.push(text.slice(start));
  return parts;
}

function unquote(text: string): string {
  return text.startsWith('"') && text.endsWith('"') && text.length >= 2 ? text.slice(1, -1).replaceAll(/\\(.)/g, '$1') : text;
}
