import { autocompletion, closeBrackets, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { PostgreSQL, type SQLNamespace, sql } from '@codemirror/lang-sql';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { Compartment, EditorState, Prec } from '@codemirror/state';
import { EditorView, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--accent-text)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--warn)' },
  { tag: tags.comment, color: 'var(--faint)' },
]);

/** The policy of the page lets only styles with this mark in. */
const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? '';

/** A SQL editor that knows the names of the warehouse. */
export function Editor({
  text,
  schema,
  onText,
  onRun,
}: {
  text: string;
  schema: SQLNamespace;
  onText: (text: string) => void;
  onRun: () => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const names = useRef(new Compartment());
  const does = useRef({ onText, onRun });
  does.current = { onText, onRun };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor is made once; later texts and names are told to it
  useEffect(() => {
    const run = () => {
      does.current.onRun();
      return true;
    };
    const editor = new EditorView({
      parent: place.current!,
      state: EditorState.create({
        doc: text,
        extensions: [
          EditorView.cspNonce.of(nonce),
          Prec.highest(keymap.of([{ key: 'Mod-Enter', run }])),
          lineNumbers(),
          history(),
          bracketMatching(),
          closeBrackets(),
          autocompletion(),
          syntaxHighlighting(colours),
          // Tab leaves the editor, as people without a mouse need it.
          keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap]),
          names.current.of(sql({ dialect: PostgreSQL, schema })),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': 'SQL statement', tabindex: '0' }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) does.current.onText(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    editor.focus();
    return () => editor.destroy();
  }, []);
  useEffect(() => {
    view.current?.dispatch({ effects: names.current.reconfigure(sql({ dialect: PostgreSQL, schema })) });
  }, [schema]);
  useEffect(() => {
    const editor = view.current;
    if (editor !== null && editor.state.doc.toString() !== text)
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
  }, [text]);
  return <div ref={place} className="editor" />;
}
