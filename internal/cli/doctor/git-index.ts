const entryHead = 40;
const hashSizes = [20, 32] as const;
const extendedFlag = 0x4000;

/**
 * Paths that a git index lists, relative to the top of the working tree; none where it is no index of version 2 to 4.
 * @see https://git-scm.com/docs/index-format
 */
export function readTrackedPaths(index: Buffer): ReadonlySet<string> {
  if (index.length < 12 || index.toString('latin1', 0, 4) !== 'DIRC') return new Set();
  const version = index.readUInt32BE(4);
  if (version < 2 || version > 4) return new Set();
  // The size of object names stands in the repository's config; with the wrong one the entries do not fit.
  for (const hashSize of hashSizes) {
    const paths = readEntries(index, version, hashSize);
    if (paths !== undefined) return paths;
  }
  return new Set();
}

function readEntries(index: Buffer, version: number, hashSize: number): ReadonlySet<string> | undefined {
  const paths = new Set<string>();
  const count = index.readUInt32BE(8);
  let at = 12;
  let previous = Buffer.alloc(0);
  for (let entry = 0; entry < count; entry++) {
    const flagsAt = at + entryHead + hashSize;
    if (flagsAt + 4 > index.length) return undefined;
    const flags = index.readUInt16BE(flagsAt);
    let nameAt = flagsAt + (version >= 3 && (flags & extendedFlag) !== 0 ? 4 : 2);
    let kept = 0;
    if (version === 4) {
      const stripped = readOffset(index, nameAt);
      nameAt = stripped.end;
      kept = previous.length - stripped.value;
    }
    const nameEnd = index.indexOf(0, nameAt);
    if (nameEnd < 0 || kept < 0) return undefined;
    const name = Buffer.concat([previous.subarray(0, kept), index.subarray(nameAt, nameEnd)]);
    const told = flags & 0xfff;
    if (name.length === 0 || (told < 0xfff ? told !== name.length : name.length < 0xfff)) return undefined;
    paths.add(name.toString('utf8'));
    previous = name;
    at = version === 4 ? nameEnd + 1 : at + Math.ceil((nameEnd + 1 - at) / 8) * 8;
  }
  return paths;
}

/** Git's offset encoding: seven bits a byte, one added for each byte that follows. */
function readOffset(index: Buffer, from: number): { readonly value: number; readonly end: number } {
  let at = from;
  let byte = index[at++] ?? 0;
  let value = byte & 0x7f;
  while ((byte & 0x80) !== 0 && at < index.length) {
    byte = index[at++] ?? 0;
    value = (value + 1) * 128 + (byte & 0x7f);
  }
  return { value, end: at };
}
