const maxNameLength = 256;
const maxCompared = 5_000;
const maxCells = 400_000;
const maxShown = 5;

/** Up to five of `names` that are a typo away from `wanted`, nearest first. Work is bounded whatever was asked and listed. */
export function findNearNames(wanted: string, names: readonly string[]): readonly string[] {
  if (wanted === '' || wanted.length > maxNameLength) return [];
  const asked = wanted.toLowerCase();
  const limit = Math.max(2, Math.floor(asked.length / 3));
  const found: { readonly name: string; readonly distance: number }[] = [];
  let cells = 0;
  for (const name of names.slice(0, maxCompared)) {
    if (name.length > maxNameLength) continue;
    const other = name.toLowerCase();
    const isPart = asked.length > 3 && other.length > 3 && (other.includes(asked) || asked.includes(other));
    // Suffixes and prefixes are often left out: such a name is near however much is missing.
    if (isPart) found.push({ name, distance: 1 });
    else if (Math.abs(asked.length - other.length) <= limit && (cells += asked.length * other.length) <= maxCells) {
      const distance = editDistance(asked, other, limit);
      if (distance <= limit) found.push({ name, distance });
    }
  }
  return found
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, maxShown)
    .map(({ name }) => name);
}

/** Insertions, deletions and changes between two texts; anything beyond `limit` once that is certain. */
function editDistance(a: string, b: string, limit: number): number {
  let previous = new Uint16Array(b.length + 1).map((_, index) => index);
  let row = new Uint16Array(b.length + 1);
  for (let i = 1; i <= a.length; i++) {
    row[0] = i;
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] ?? 0) + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1);
      const cost = Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      row[j] = cost;
      if (cost < least) least = cost;
    }
    if (least > limit) return limit + 1;
    [previous, row] = [row, previous];
  }
  return previous[b.length] ?? limit + 1;
}
