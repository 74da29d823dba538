/** What is changed as it is loaded: the engine, and where it waits for the source and the lake. */
const WHERE =
  /\/server\/dist\/(sync\/[\w-]+|sources\/\w+\/\w+-source|targets\/lakehouse\/lakehouse-target)\.js$/;

const WAIT = 'await globalThis.sluiceTestWait();';

/**
 * Behind each await of one line, as if what it waited for had come later; in front of it nothing, for what stands there
 * is done in one go. The compiler leaves out the braces around a statement that declares nothing.
 */
function slowed(source) {
  return source.replace(
    /^(\s+)(const [^\n]+ = |let [^\n]+ = |return )?(await [^\n]*);$/gm,
    (_, space, before, awaited) => {
      if (before === undefined) return `${space}{ ${awaited}; ${WAIT} }`;
      if (before === 'return ') return `${space}{ const value = ${awaited}; ${WAIT} return value; }`;
      return `${space}${before}${awaited}; ${WAIT}`;
    },
  );
}

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!WHERE.test(url)) return loaded;
  return { ...loaded, source: slowed(String(loaded.source)) };
}
