import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

const checkEveryMs = 1_000;

/**
 * Keeps V8's young generation near `maxBytes`. Thousands of small chunks a second make it grow to 130 MB, of which a proxy
 * gains little: nearly all of it is garbage within milliseconds. Its bound is read once, before any of our code runs, but
 * the factor it grows by is read at every growth: 2 while there is room, 1 from then on. docs/performance.md has figures.
 * Returns what ends it.
 */
export function boundYoungGeneration(maxBytes: number): () => void {
  let isFrozen = true;
  const observer = new PerformanceObserver(() => freeze(youngBytes() >= maxBytes));
  const freeze = (wanted: boolean): void => {
    if (isFrozen === wanted) return;
    isFrozen = wanted;
    setFlagsFromString(`--semi-space-growth-factor=${wanted ? 1 : 2}`);
    // Each collection may double it, so they are watched while it may grow, and not otherwise.
    if (wanted) observer.disconnect();
    else observer.observe({ entryTypes: ['gc'] });
  };
  freeze(youngBytes() >= maxBytes);
  // V8 shrinks it when the process idles.
  const timer = setInterval(() => freeze(youngBytes() >= maxBytes), checkEveryMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    observer.disconnect();
  };
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? Infinity;
}
