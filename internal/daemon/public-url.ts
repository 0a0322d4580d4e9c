import type { Config } from '../config/schema.ts';

/** Where others reach this daemon: the one source of every address in what it issues (security rule 30). Without trailing slash. */
export function publicUrlOf(config: Config): string {
  if (config['public-url'] !== '') return config['public-url'].replace(/\/+$/, '');
  return `${config.tls.enable ? 'https' : 'http'}://localhost:${config.port}`;
}
