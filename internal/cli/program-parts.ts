import { Option } from 'commander';

/** Headings of the help, in their order. */
export const groups = { run: 'Run it:', look: 'See what it does:', client: 'Use some Keyward:', accounts: 'Log in to providers:', setUp: 'Set it up:' } as const;

export const configOption = (): Option => new Option('-c, --config <file>', 'the config file');
export const jsonOption = (): Option => new Option('--json', 'print one JSON document, for scripts').default(false);
export const contextOption = (): Option => new Option('--context <name>', 'this context instead of the current one');
