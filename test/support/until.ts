/**
 * Asks again until the answer is there, and resolves with the milliseconds that took. Rejects, saying what was waited for,
 * when `limitMs` have passed.
 */
export async function until(what: string, check: () => boolean | Promise<boolean>, limitMs = 5_000): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    const isThere = await check();
    const tookMs = performance.now() - startedMs;
    if (tookMs > limitMs) throw new Error(`waited ${Math.round(tookMs)} ms for: ${what}`);
    if (isThere) return tookMs;
    await new Promise((next) => setTimeout(next, 5));
  }
}
