/**
 * Compiles `excluded-models` patterns: lower-case, `*` matches any run of characters. The returned function gives the
 * first pattern that matches a name whatever its case, or undefined. Linear in the name for each pattern.
 */
export function compilePatterns(patterns: readonly string[]): (name: string) => string | undefined {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')));
  const wild = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => ({ pattern, pieces: pattern.split('*') }));
  return (name) => {
    const lower = name.toLowerCase();
    return exact.has(lower) ? lower : wild.find(({ pieces }) => matchesPieces(pieces, lower))?.pattern;
  };
}

/** Whether one of the patterns makes the name, `*` standing for any run of characters; letter case counts. Linear in the name for each `*`. */
export function compileGlobs(patterns: readonly string[]): (name: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')));
  const wild = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => pattern.split('*'));
  return (name) => exact.has(name) || wild.some((pieces) => matchesPieces(pieces, name));
}

/** At least two pieces; the first and the last are anchored. */
function matchesPieces(pieces: readonly string[], name: string): boolean {
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (let i = 1; i < pieces.length - 1; i++) {
    const piece = pieces[i] ?? '';
    const found = name.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
