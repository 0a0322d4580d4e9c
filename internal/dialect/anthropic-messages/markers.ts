import { isRecord, textOf, type JsonRecord } from '../ir/json.ts';
import type { CacheMarker } from '../ir/parts.ts';

/** The `cache_control` of a block or tool; undefined where there is none. */
export function readMarker(block: JsonRecord): CacheMarker | undefined {
  const marker = block['cache_control'];
  return isRecord(marker) ? { ttl: textOf(marker['ttl']) } : undefined;
}

/** Only `5m` and `1h` exist; another vendor's times become the default. */
export function writeMarker(marker: CacheMarker | undefined): JsonRecord | undefined {
  if (marker === undefined) return undefined;
  return marker.ttl === '5m' || marker.ttl === '1h' ? { type: 'ephemeral', ttl: marker.ttl } : { type: 'ephemeral' };
}
