import { MARKER } from "./render";

/** GitHub's largest page, and how many of them are looked through. */
const PER_PAGE = 100;
const PAGES = 50;

const TIMEOUT_MS = 20_000;

export interface PostProps {
  /** REST API: `https://api.github.com`, or `https://HOST/api/v3` of GitHub Enterprise Server. */
  readonly apiUrl: string;
  /** `owner/name`. */
  readonly repository: string;
  /** Number of the pull request. */
  readonly number: number;
  /** Token with `pull-requests: write`. */
  readonly token: string;
  /** Whose comment is ours: anybody can write the marker.
   *  @default "github-actions[bot]", who the token of a workflow run is */
  readonly author?: string;
  /** Markdown; begins with the marker. */
  readonly body: string;
}

export interface Posted {
  readonly done: "created" | "updated";
  readonly url: string;
}

interface Comment {
  readonly id: number;
  readonly body?: string;
  readonly html_url: string;
  readonly user: { readonly login: string } | null;
}

/**
 * Writes the comment into our earlier one of this pull request, or makes it.
 * @throws Error that says what GitHub answered and what to do
 * @see https://docs.github.com/rest/issues/comments
 */
export async function postComment(props: PostProps): Promise<Posted> {
  const comments = `/repos/${props.repository}/issues/${String(props.number)}/comments`;
  const earlier = await find(props, comments);
  const { body } = props;
  const { html_url: url } =
    earlier === null
      ? await call<Comment>(props, "POST", comments, { body })
      : await call<Comment>(props, "PATCH", `/repos/${props.repository}/issues/comments/${String(earlier)}`, {
          body,
        });
  return { done: earlier === null ? "created" : "updated", url };
}

/** @returns the id of our comment, or null */
async function find(props: PostProps, comments: string): Promise<number | null> {
  const { author = "github-actions[bot]" } = props;
  for (let page = 1; page <= PAGES; page += 1) {
    const query = `?per_page=${String(PER_PAGE)}&page=${String(page)}`;
    const found = await call<readonly Comment[]>(props, "GET", comments + query);
    const ours = found.find(({ user, body }) => user?.login === author && body?.startsWith(MARKER) === true);
    if (ours !== undefined) return ours.id;
    if (found.length < PER_PAGE) return null;
  }
  throw new Error(
    `The pull request has more than ${String(PAGES * PER_PAGE)} comments, and ours is not among the first of them. Delete some.`,
  );
}

async function call<T>(props: PostProps, method: string, path: string, body?: object): Promise<T> {
  const url = props.apiUrl.replace(/\/+$/, "") + path;
  const response = await fetch(url, {
    method,
    // A redirect would carry the token to where it points.
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${props.token}`,
      "content-type": "application/json",
      "user-agent": "nomad-github-runners",
      "x-github-api-version": "2022-11-28",
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw new Error(`${method} ${url} got no answer: ${String(error)}. Is GITHUB_API_URL right?`);
  });
  if (!response.ok) throw new Error(await refusal(response, method, url));
  return (await response.json()) as T;
}

async function refusal(response: Response, method: string, url: string): Promise<string> {
  const text = (await response.text()).slice(0, 300);
  const what = `${method} ${url} was answered with ${String(response.status)}: ${text}`;
  const { status } = response;
  if (status === 401) return `${what}\nThe token is not known: is GITHUB_TOKEN that of this run?`;
  if (status === 403 || status === 404) {
    return `${what}\nThe token may not do this: the job needs \`permissions: pull-requests: write\`, and the run must not come from a fork.`;
  }
  if (status >= 300 && status < 400)
    return `${what}\nRedirects are not followed: was the repository renamed?`;
  return what;
}
