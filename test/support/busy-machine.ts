/** For tests that hold a bound of milliseconds: what a busy machine spoils is tried again. A daemon that is too slow fails each time. */
export const onBusyMachine = { retry: 3 } as const;
