import * as fc from 'fast-check';

const digits = (minLength: number, maxLength: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9]{${minLength},${maxLength}}$`));
const sign = fc.constantFrom('', '-');
const whole = fc.tuple(sign, fc.integer({ min: 1, max: 9 }), digits(16, 40)).map(([minus, first, rest]) => `${minus}${first}${rest}`);
const fraction = fc.tuple(sign, fc.nat(99_999), digits(16, 30)).map(([minus, before, after]) => `${minus}${before}.${after}`);
const exponent = fc.tuple(sign, fc.double({ min: 0, max: 1000, noNaN: true }).map((value) => value.toFixed(2)), fc.constantFrom('e', 'E', 'e+', 'E-'), fc.nat(500)).map(([minus, mantissa, mark, power]) => `${minus}${mantissa}${mark}${power}`);
/** As JavaScript writes them. */
const plain = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })).map((value) => JSON.stringify(value));

/** Numbers as they may stand in JSON, most of them beyond what JavaScript's hold. */
export const numberTexts: fc.Arbitrary<string> = fc.oneof(whole, fraction, exponent, plain, fc.constantFrom('-0', '1e400', '9007199254740993', '0.1e1'));
