import { compact, isRecord, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { BuiltinTool } from '../ir/request.ts';

/**
 * Anthropic's tool for another vendor's, in the version that all models with such a tool take; undefined where there is none.
 * @see https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-reference
 */
export function equivalentTool({ builtin, item }: BuiltinTool): JsonRecord | undefined {
  switch (builtin) {
    case 'web_search':
      return compact({ type: 'web_search_20250305', name: 'web_search', allowed_domains: domainsOf(item), user_location: locationOf(item['user_location']) });
    case 'web_fetch':
      return { type: 'web_fetch_20250910', name: 'web_fetch' };
    case 'code_execution':
      return { type: 'code_execution_20250825', name: 'code_execution' };
    case 'other':
      return undefined;
  }
}

/** Responses names them in `filters`. */
function domainsOf(item: JsonRecord): unknown {
  const domains = memberOf(item['filters'], 'allowed_domains');
  return Array.isArray(domains) && domains.length > 0 ? domains : undefined;
}

/** Responses and Anthropic write it alike; chat completions wrap it in `approximate`. */
function locationOf(location: unknown): JsonRecord | undefined {
  if (!isRecord(location)) return undefined;
  const place = isRecord(location['approximate']) ? location['approximate'] : location;
  return compact({ type: 'approximate', city: textOf(place['city']), region: textOf(place['region']), country: textOf(place['country']), timezone: textOf(place['timezone']) });
}
