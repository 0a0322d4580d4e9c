import * as v from 'valibot';
import { accountsFromConfig } from '../../internal/accounts/from-config.ts';
import { settings, type Config } from '../../internal/config/schema.ts';
import type { RoutingTable } from '../../internal/routing/ports.ts';
import { buildRoutingTable } from '../../internal/routing/table.ts';

/** A config with the given settings and every other at its default. */
export function configOf(given: object): Config {
  return v.parse(settings, given);
}

export function tableOf(given: object): RoutingTable {
  const config = configOf(given);
  return buildRoutingTable(accountsFromConfig(config).accounts, config);
}
