/** An answer of Nomad's HTTP API: JSON when it went well, plain text when not. */
export interface NomadAnswer {
  readonly status: number;
  readonly body: string | object;
}

/** Ends a request with one of Nomad's own texts.
 *  @see https://github.com/hashicorp/nomad/blob/v2.0.5/command/agent/http.go (wrap, errCodeFromHandler) */
export class NomadRefusal extends Error {
  override readonly name = "NomadRefusal";
  readonly status: number;
  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}
