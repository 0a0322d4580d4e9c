/*
 * Words before and after a call are parts of their own elsewhere; a message here has one text for all. A blank line keeps them
 * apart where something stood between them: texts that follow each other directly, as cited ones do, are one.
 */

const separator = '\n\n';

/** Joins the texts of one choice as they come. */
export interface TextJoiner {
  /** A part that is no text of the answer began. */
  readonly interrupt: () => void;
  /** A part of text began: what it says may be told apart from what was said before. */
  readonly begin: () => void;
  /** What stands before the text, which comes next of the part that began last; `''` for nothing. */
  readonly before: (text: string) => string;
}

export function createTextJoiner(): TextJoiner {
  let said = '';
  let isInterrupted = false;
  let isApart = false;
  return {
    interrupt: () => {
      isInterrupted = true;
    },
    begin: () => {
      isApart ||= isInterrupted;
      isInterrupted = false;
    },
    before: (text) => {
      if (text === '') return '';
      const isSeparated = isApart && said !== '' && !/\s$/.test(said) && !/^\s/.test(text);
      isApart = false;
      said = text;
      return isSeparated ? separator : '';
    },
  };
}
