const maxNameLength = 256;
const maxCompared = 2_000;
const maxShown = 5;

/** Up to five of `names` that are a typo away from `wanted`, nearest first. Work is bounded whatever was asked. */
export function findNearNames(wanted: string, names: readonly string[]): readonly string[] {
  if (wanted.length > maxNameLength) return [];
  const asked = wanted.toLowerCase();
  const limit = Math.max(2, Math.floor(asked.length / 3));
  return names
    .slice(0, maxCompared)
    .map((name) => ({ name, distance: nearness(asked, name.toLowerCase(), limit) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, maxShown)
    .map(({ name }) => name);
}

/** Edits between two names; a name that contains the other counts as one edit, as suffixes and prefixes are often left out. */
function nearness(a: string, b: string, limit: number): number {
  if (a.length > 3 && (b.includes(a) || a.includes(b))) return 1;
  if (Math.abs(a.length - b.length) > limit) return Infinity;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? Infinity;
}
