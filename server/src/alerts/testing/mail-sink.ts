import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** As it came over the wire. */
  readonly text: string;
}

/** A real mail server that keeps what it is sent. */
export class MailSink implements AsyncDisposable {
  readonly mails: Mail[] = [];
  /** Refuses every mail with this code. */
  refuse: number | null = null;
  readonly #server: SMTPServer;

  private constructor(login: { readonly username: string; readonly password: string } | null) {
    this.#server = new SMTPServer({
      logger: false,
      disabledCommands: ['STARTTLS'],
      authOptional: login === null,
      allowInsecureAuth: true,
      onAuth: (auth, _session, done) => {
        if (auth.username === login?.username && auth.password === login?.password)
          done(null, { user: auth.username });
        else done(Object.assign(new Error('Invalid login'), { responseCode: 535 }));
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          if (this.refuse !== null) {
            done(Object.assign(new Error('Not now'), { responseCode: this.refuse }));
            return;
          }
          const { mailFrom, rcptTo } = session.envelope;
          this.mails.push({
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map((one) => one.address),
            text: Buffer.concat(chunks).toString('utf8'),
          });
          done(null);
        });
      },
    });
  }

  static async start(
    login: { readonly username: string; readonly password: string } | null = null,
  ): Promise<MailSink> {
    const sink = new MailSink(login);
    await new Promise<void>((resolve) => sink.#server.listen(0, '127.0.0.1', resolve));
    return sink;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
