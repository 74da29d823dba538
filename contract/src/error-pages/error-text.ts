/**
 * The long form of an error, for whoever has time to read: its page in docs/errors/ and `sluice errors CODE`
 * are made of it. Markdown of one paragraph each; links are written as from docs/.
 */
export interface ErrorText {
  readonly means: string;
  readonly comesFrom: string;
  readonly toDo: string;
}

/** Codes that stand together in the index. */
export interface ErrorGroup {
  readonly title: string;
  readonly intro: string;
  readonly texts: Readonly<Record<string, ErrorText>>;
}
