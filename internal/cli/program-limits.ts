import { InvalidArgumentError, Option, type Command } from 'commander';

/** What a caller may do, and how much: of keys and of OAuth clients alike. */
export function withGrant(command: Command): Command {
  return command
    .addOption(new Option('--scopes <list>', 'what it may do; models:use,models:read where absent').argParser(parseList))
    .addOption(new Option('--models <list>', 'models it may use; `*` matches any run of characters').argParser(parseList))
    .addOption(new Option('--accounts <list>', 'ids of accounts, or provider:<kind>').argParser(parseList))
    .addOption(new Option('--addresses <list>', 'addresses and CIDRs it may be used from').argParser(parseList))
    .addOption(new Option('--rpm <number>', 'requests a minute').argParser(parseNumber))
    .addOption(new Option('--tpm <number>', 'tokens a minute').argParser(parseNumber))
    .addOption(new Option('--concurrency <number>', 'exchanges at one time').argParser(parseNumber))
    .addOption(new Option('--daily-requests <number>', 'requests a day (UTC)').argParser(parseNumber))
    .addOption(new Option('--daily-tokens <number>', 'tokens a day').argParser(parseNumber))
    .addOption(new Option('--daily-cost <amount>', 'money a day, by the configured prices').argParser(parseNumber))
    .addOption(new Option('--monthly-requests <number>', 'requests a month').argParser(parseNumber))
    .addOption(new Option('--monthly-tokens <number>', 'tokens a month').argParser(parseNumber))
    .addOption(new Option('--monthly-cost <amount>', 'money a month').argParser(parseNumber));
}

export function parseList(text: string): readonly string[] {
  return text.split(',').map((part) => part.trim()).filter((part) => part !== '');
}

function parseNumber(text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It is a number above 0.');
  return value;
}
