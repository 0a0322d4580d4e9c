import { maskedConfig, revealedConfig } from '../config/masked.ts';
import { maskManagementSecret, maskYamlText } from '../config/mask-text.ts';
import { restoreMasks } from '../config/restore-masks.ts';
import { ok } from '../fault/result.ts';
import { maskComments, restoreComments } from './masked-comments.ts';
import { parsePlain } from './plain-config.ts';
import type { ConfigViews } from './ports.ts';

/** The views of a config that management serves. */
export const configViews: ConfigViews = {
  plain: (loaded) => {
    const plain = parsePlain(loaded.text);
    if (!plain.ok) throw new TypeError('a loaded config does not parse', { cause: plain.error });
    return plain.value;
  },
  parse: parsePlain,
  masked: maskedConfig,
  revealed: revealedConfig,
  maskedText: (loaded) => maskComments(maskYamlText(loaded.text)),
  revealedText: (loaded) => maskManagementSecret(loaded.text),
  restoreText: (text, loaded) => {
    const restored = restoreMasks(text, loaded);
    return restored.ok ? ok(restoreComments(restored.value, loaded.text)) : restored;
  },
};
