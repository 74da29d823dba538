import { expect, it } from 'vitest';
import { messages } from './event-stream.ts';

it('puts events together from any pieces, and leaves out what is no data', async () => {
  const bytes = new TextEncoder().encode(
    ': hello\n\ndata: {"a":"é"}\n\nevent: x\ndata: 1\ndata: 2\n\ndata: cut',
  );
  for (const size of [1, 3, 1000]) {
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
    const heard: string[] = [];
    for await (const text of messages(stream)) heard.push(text);
    expect(heard).toEqual(['{"a":"é"}', '1\n2']);
  }
});
