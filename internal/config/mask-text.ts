import { endOf, startOf } from './yaml-layout.ts';
import { applyPatches } from './yaml-patch.ts';
import { renderScalar } from './yaml-render.ts';
import { parseYaml } from './yaml-source.ts';
import { readTree } from './yaml-tree.ts';
import { findSecretSpots, flowScalars, isManagementSecret, maskSpot, type SecretSpot } from './secret-spots.ts';
import { isReference } from './secret-reference.ts';

/**
 * The config text with every secret masked in place; all else, comments included, byte for byte. References stay.
 * A text that is not valid YAML has no places to mask and becomes empty.
 */
export function maskYamlText(text: string): string {
  return maskWhere(text, () => true);
}

/** The text with the management secret alone masked; that one is never shown (security rule 20). */
export function maskManagementSecret(text: string): string {
  return maskWhere(text, isManagementSecret);
}

function maskWhere(text: string, isHidden: (spot: SecretSpot) => boolean): string {
  const source = parseYaml(text);
  const tree = source.ok ? readTree(source.value) : source;
  if (!source.ok || !tree.ok) return '';
  const flow = flowScalars(source.value);
  const masks = new Map<unknown, string>();
  for (const spot of findSecretSpots(tree.value).spots) {
    if (isHidden(spot) && !isReference(spot.written)) masks.set(spot.node, renderMask(maskSpot(spot), spot, flow.has(spot.node)));
  }
  const patches = [...masks].flatMap(([node, mask]) => {
    const from = startOf(node);
    const to = endOf(source.value, node);
    return from === undefined || to === undefined ? [] : [{ from, to, text: mask }];
  });
  return applyPatches(text, patches);
}

/** A mask such as `sk-a…9f3c` reads as text without quotes too, so that a file without quotes keeps looking that way. */
function renderMask(mask: string, spot: SecretSpot, isInFlow: boolean): string {
  const { type } = spot.node;
  if (type === 'PLAIN' && /^[A-Za-z]{2}[\w-]{2}…[\w-]{4}$/.test(mask)) return mask;
  return renderScalar(mask, type === 'PLAIN' || type === 'QUOTE_SINGLE' ? type : 'QUOTE_DOUBLE', isInFlow);
}
