import { isSigned, type ChainedRow, type ChainKey } from './chain.ts';

const maxGapIds = 1_000;

/** Which of the rows that fit no longer where they stand were signed as another one of them, or as one that is missing. */
export function findMoved(key: ChainKey, suspects: readonly ChainedRow[], gaps: readonly { readonly fromId: number; readonly toId: number }[]): readonly { readonly id: number; readonly wasId: number }[] {
  if (suspects.length === 0) return [];
  const places = [...suspects.map(({ id }) => id), ...idsOf(gaps)];
  return suspects.flatMap((chained) => {
    const wasId = places.find((place) => place !== chained.id && isSigned(key, { ...chained, id: place }));
    return wasId === undefined ? [] : [{ id: chained.id, wasId }];
  });
}

function idsOf(gaps: readonly { readonly fromId: number; readonly toId: number }[]): readonly number[] {
  const ids: number[] = [];
  for (const { fromId, toId } of gaps) for (let id = fromId; id <= toId && ids.length < maxGapIds; id += 1) ids.push(id);
  return ids;
}
