import { type LoopbackServer, serve } from "../../../local/http/serve";

/** GitHub's limit of a comment. */
const MAX_CHARACTERS = 65_536;

export interface StoredComment {
  readonly id: number;
  body: string;
  readonly user: { readonly login: string };
}

/** The comments of one pull request, as GitHub serves them. */
export interface CommentsServer {
  readonly url: string;
  readonly comments: StoredComment[];
  /** Method and path of each request. */
  readonly requests: string[];
  /** Puts a comment there, oldest first. */
  add(login: string, body: string): StoredComment;
  close(): Promise<void>;
}

export interface CommentsServerProps {
  /** Path of the API under the server, such as `/api/v3`. */
  readonly base?: string;
  readonly repository: string;
  readonly number: number;
  readonly token: string;
  /** Whether the token lacks `pull-requests: write`. */
  readonly readOnly?: boolean;
}

/** Answers as GitHub does for the calls of one comment.
 *  @see https://docs.github.com/rest/issues/comments */
export async function commentsServer(props: CommentsServerProps): Promise<CommentsServer> {
  const comments: StoredComment[] = [];
  const requests: string[] = [];
  const add = (login: string, body: string): StoredComment => {
    const comment = { id: 1_000 + comments.length, body, user: { login } };
    comments.push(comment);
    return comment;
  };
  const server: LoopbackServer = await serve(async (request) => {
    const { pathname, search, searchParams } = new URL(request.url);
    requests.push(`${request.method} ${pathname}${search}`);
    const refused = refusal(request, props);
    if (refused !== null) return refused;
    const repository = `${props.base ?? ""}/repos/${props.repository}`;
    const view = (comment: StoredComment): object => ({
      ...comment,
      html_url: `https://github.com/${props.repository}/pull/${String(props.number)}#issuecomment-${String(comment.id)}`,
    });
    if (pathname === `${repository}/issues/${String(props.number)}/comments`) {
      if (request.method === "GET") {
        const size = Math.min(100, Number(searchParams.get("per_page") ?? 30));
        const first = (Number(searchParams.get("page") ?? 1) - 1) * size;
        return Response.json(comments.slice(first, first + size).map(view));
      }
      const body = await bodyOf(request);
      return body === null
        ? tooLong()
        : Response.json(view(add("github-actions[bot]", body)), { status: 201 });
    }
    const id = Number(pathname.slice(`${repository}/issues/comments/`.length));
    const comment = comments.find((it) => it.id === id);
    if (request.method !== "PATCH" || comment === undefined) {
      return Response.json({ message: "Not Found", status: "404" }, { status: 404 });
    }
    const body = await bodyOf(request);
    if (body === null) return tooLong();
    comment.body = body;
    return Response.json(view(comment));
  });
  return { url: server.url + (props.base ?? ""), comments, requests, add, close: () => server.close() };
}

function refusal(request: Request, { token, readOnly = false }: CommentsServerProps): Response | null {
  const problem = (status: number, message: string): Response => Response.json({ message }, { status });
  if ((request.headers.get("user-agent") ?? "") === "") return problem(403, "Request forbidden");
  if (request.headers.get("authorization") !== `Bearer ${token}`) return problem(401, "Bad credentials");
  if (readOnly && request.method !== "GET") {
    return problem(403, "Resource not accessible by integration");
  }
  return null;
}

async function bodyOf(request: Request): Promise<string | null> {
  const { body } = (await request.json()) as { readonly body: string };
  return body.length > MAX_CHARACTERS ? null : body;
}

function tooLong(): Response {
  const message = `Validation Failed: body is too long (maximum is ${String(MAX_CHARACTERS)} characters)`;
  return Response.json({ message }, { status: 422 });
}
